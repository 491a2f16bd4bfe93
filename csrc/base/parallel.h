// The only door to threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/dtype.h"
#include "base/float_state.h"
#include "base/scratch.h"

namespace stretto {

// Threads of a call: the argument if positive, else the thread-local limit, STRETTO_NUM_THREADS,
// OMP_NUM_THREADS, or min(affinity, cgroup quota); 1 inside a parallel region.
int resolve_threads(int requested);

using RangeBody = void (*)(void* context, std::int64_t begin, std::int64_t end);

// Runs body over [0, count) in chunks, on at most `threads` threads, the caller among them. The first
// exception of a body is rethrown here; Interrupted is thrown when a signal is pending on the main thread or
// the run that this call belongs to was stopped.
void parallel_ranges(std::int64_t count, std::int64_t chunk, int threads, RangeBody body, void* context);

// parallel_for(count, chunk, threads, [&](begin, end) { ... })
// A chunk is the unit that is claimed: at most about 5 ms of work, so that an interrupt is seen in time.
template <class F>
STRETTO_INLINE void parallel_for(std::int64_t count, std::int64_t chunk, int threads, F&& f) {
  parallel_ranges(
      count, chunk, threads,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&f)));
}

// Says that work should end; seen at the next chunk. One inside another ends with it.
struct StopFlag {
  std::atomic<bool> set{false};
  const StopFlag* outer = nullptr;

  bool requested() const {
    for (const StopFlag* flag = this; flag; flag = flag->outer)
      if (flag->set.load(std::memory_order_relaxed)) return true;
    return false;
  }
};

// While it lives, the calling thread is a worker of the executor: a call on it uses at most `threads` threads
// and ends, with Interrupted, soon after `stop` is set.
class WorkerScope {
 public:
  WorkerScope(int threads, const StopFlag* stop);
  ~WorkerScope();
  WorkerScope(const WorkerScope&) = delete;
  WorkerScope& operator=(const WorkerScope&) = delete;

 private:
  FloatState float_state_;
  int outer_threads_;
  const StopFlag* outer_stop_;
};

// What every call from outside holds while it computes: the float state, and the time of the next look at
// signals.
class CallScope {
 public:
  CallScope();

 private:
  FloatState float_state_;
};

// Throws Interrupted when the stop flag of the thread is set, or a signal is pending. Cheap; looks for
// signals every 50 ms, and only on the main thread. For loops that compute or wait outside of parallel_for.
void poll_interrupt();

// The bindings' look at pending signals; it throws Interrupted.
void set_interrupt_hook(void (*hook)());

}  // namespace stretto
