#include "base/worker.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/block_signals.h"
#include "base/error.h"
#include "base/forks.h"
#include "base/thread_count.h"
#include "base/thread_name.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace stretto {
namespace {

constexpr auto kPoll = std::chrono::microseconds(50);
constexpr auto kTick = std::chrono::milliseconds(50);

constexpr int kFewWorkers = 8;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// True as soon as ready() is, or false after kPoll.
template <class Ready>
bool poll_until(const Ready& ready) {
  const auto until = std::chrono::steady_clock::now() + kPoll;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

}  // namespace

struct Crew::State {
  std::mutex mutex;
  std::condition_variable wake, finished;
  // Written under the lock; read without it by who polls.
  std::atomic<std::uint64_t> run = 0;
  std::atomic<int> running = 0;
  std::atomic<bool> closing = false;
  int taking_part = 0;
  Body body = nullptr;
  void* context = nullptr;
  std::vector<std::thread> threads;

  void live(Crew& crew, int worker) {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex);
    const auto called = [&] { return closing || run != seen; };
    while (true) {
      wake.wait(lock, called);
      if (closing) return;
      seen = run;
      if (worker >= taking_part) continue;
      lock.unlock();
      crew.settle(worker);
      body(context, worker);
      lock.lock();
      if (--running == 0) finished.notify_one();
      if (!crew.may_poll_) continue;
      lock.unlock();
      poll_until(called);  // plans are called in loops
      lock.lock();
    }
  }
};

Crew::Crew(int workers, int computing)
    : workers_(workers), may_poll_(computing <= default_cores()), places_(workers) {
  if (workers > 1) start();
}

void Crew::start() {
  forks_ = forks_seen();
  cleared_cpu_ = -1;
  state_ = new State;
  const BlockSignals blocked;
  try {
    for (int worker = 1; worker < workers_; ++worker) {
      state_->threads.emplace_back([this, state = state_, worker] { state->live(*this, worker); });
      name_thread(state_->threads.back().native_handle(), "stretto-w" + std::to_string(worker));
    }
  } catch (const std::exception& error) {
    const std::size_t started = state_->threads.size();
    stop();
    throw std::runtime_error(message("plan: cannot start ", workers_ - 1, " threads: the system allows ",
                                     started, " (", error.what(), "); ask for fewer workers"));
  }
}

void Crew::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
  delete state_;
  state_ = nullptr;
}

Crew::~Crew() {
  if (state_ && forks_ == forks_seen()) stop();
}

// A sleeper is woken on the CPU of who wakes it, where it would have to wait for it: so few workers are told
// of another one before, when the caller has come to a new CPU.
void Crew::clear_cpu_of_caller() {
  const int cpu = sched_getcpu();
  if (cpu == cleared_cpu_ || !may_poll_ || workers_ > kFewWorkers) return;
  cpu_set_t others;
  if (sched_getaffinity(getpid(), sizeof others, &others) != 0 || CPU_COUNT(&others) < 2) return;
  if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR(std::size_t(cpu), &others);
  for (std::thread& thread : state_->threads)
    pthread_setaffinity_np(thread.native_handle(), sizeof others, &others);
  cleared_cpu_ = cpu;
}

void Crew::run(int workers, Body body, void* context) {
  if (workers > 1) {
    settle(0);
    if (!state_ || forks_ != forks_seen()) start();
    clear_cpu_of_caller();
  }
  begin(workers, body, context);
  body(context, 0);
  end();
}

void Crew::begin(int workers, Body body, void* context) {
  if (workers <= 1) return;
  if (!state_ || forks_ != forks_seen()) start();
  {
    const std::lock_guard lock(state_->mutex);
    state_->body = body;
    state_->context = context;
    state_->taking_part = workers;
    state_->running = workers - 1;
    ++state_->run;
  }
  state_->wake.notify_all();
}

void Crew::end() {
  if (!state_ || forks_ != forks_seen()) return;
  const auto over = [&] { return state_->running == 0; };
  if (over() || (may_poll_ && poll_until(over))) return;
  std::unique_lock lock(state_->mutex);
  state_->finished.wait(lock, over);
}

struct Signal::State {
  std::mutex mutex;
  std::condition_variable changed;
};

Signal::Signal() : state_(new State), forks_(forks_seen()) {}

Signal::~Signal() {
  if (forks_ == forks_seen()) delete state_;
}

void Signal::renew_after_fork() {
  if (forks_ == forks_seen()) return;
  state_ = new State;
  forks_ = forks_seen();
  sleepers_ = 0;
}

void Signal::notify_late() {
  {
    const std::lock_guard lock(state_->mutex);
  }
  state_->changed.notify_all();
}

bool Signal::wait_slowly(bool (*ready)(const void*), const void* context, bool poll,
                         const std::function<void()>& every) {
  if (poll && poll_until([&] { return ready(context); })) return false;
  std::unique_lock lock(state_->mutex);
  sleepers_.fetch_add(1);
  const struct Leave {
    std::atomic<int>& count;
    ~Leave() { count.fetch_sub(1); }
  } leave{sleepers_};
  while (!ready(context)) {
    if (!every) {
      state_->changed.wait(lock);
      continue;
    }
    if (state_->changed.wait_for(lock, kTick) == std::cv_status::timeout) {
      lock.unlock();
      every();
      lock.lock();
    }
  }
  return true;
}

}  // namespace stretto
