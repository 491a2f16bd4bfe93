#include "base/parallel.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/parallel_region.h"
#include "base/thread_count.h"

namespace stretto {
namespace {

constexpr std::int64_t kPollPeriod = 50'000'000;  // ns

thread_local constinit ThreadState state;
std::atomic<void (*)()> interrupt_hook{nullptr};
std::atomic<bool> forked{false};

// The coarse clock costs 5 ns and is right to a few ms.
std::int64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return t.tv_sec * 1'000'000'000ll + t.tv_nsec;
}

bool is_main_thread() {
  if (!state.knows_main) {
    state.is_main = getpid() == gettid();
    state.knows_main = true;
  }
  return state.is_main;
}

void after_fork_in_child() {
  forked = true;
  state.knows_main = false;  // the forking thread is the child's main thread
  forget_pool_after_fork();
  forget_cores_after_fork();
}
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, after_fork_in_child);

}  // namespace

ThreadState& thread_state() { return state; }

Engine engine_in_use() {
  // libgomp hangs in a forked child of a parent that used it, and makes a team for each executor worker.
  return forked || state.worker_threads ? Engine::claim : chosen_engine();
}

void set_interrupt_hook(void (*hook)()) { interrupt_hook = hook; }

void poll_interrupt() {
  if (state.stop && state.stop->requested()) throw Interrupted();
  if (!is_main_thread()) return;
  const std::int64_t time = now();
  if (time < state.next_poll) return;
  state.next_poll = time + kPollPeriod;
  if (const auto hook = interrupt_hook.load()) hook();
}

CallScope::CallScope() { state.next_poll = now() + kPollPeriod; }

WorkerScope::WorkerScope(int threads, const StopFlag* stop)
    : outer_threads_(state.worker_threads), outer_stop_(state.stop) {
  state.worker_threads = std::max(threads, 1);
  state.stop = stop;
}

WorkerScope::~WorkerScope() {
  state.worker_threads = outer_threads_;
  state.stop = outer_stop_;
}

void Region::fail() noexcept {
  if (!failed_.exchange(true)) error_ = std::current_exception();
  stop_.set = true;
}

void Region::work() noexcept {
  const ThreadState outer = state;
  state.in_region = true;
  state.stop = &stop_;
  try {
    while (!stop_.requested()) {
      const std::int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
      if (index >= chunks_) break;
      const std::int64_t begin = index * chunk_;
      body_(context_, begin, begin + std::min(chunk_, count_ - begin));
      poll_interrupt();
    }
  } catch (...) {
    fail();
  }
  state.in_region = outer.in_region;
  state.stop = outer.stop;
}

void Region::finish() const {
  if (error_) std::rethrow_exception(error_);
  if (stop_.requested()) throw Interrupted();
}

void parallel_ranges(std::int64_t count, std::int64_t chunk, int threads, RangeBody body, void* context) {
  if (count <= 0) return;
  chunk = std::clamp<std::int64_t>(chunk, 1, count);
  const std::int64_t chunks = (count - 1) / chunk + 1;
  if (state.worker_threads) threads = std::min(threads, state.worker_threads);
  threads = int(std::min<std::int64_t>(threads, chunks));
  if (threads <= 1 || state.in_region) {
    for (std::int64_t begin = 0; begin < count; begin += std::min(chunk, count - begin)) {
      poll_interrupt();
      body(context, begin, begin + std::min(chunk, count - begin));
    }
    return;
  }
  Region region(chunks, count, chunk, body, context);
  if (engine_in_use() == Engine::openmp)
    run_openmp(region, threads);
  else
    run_claimed(region, threads);
  region.finish();
}

}  // namespace stretto
