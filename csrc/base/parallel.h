// The only door to threads.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/dtype.h"

namespace stretto {

// Threads of a call: the argument if positive, else the thread-local limit, STRETTO_NUM_THREADS,
// OMP_NUM_THREADS, or min(affinity, cgroup quota).
int resolve_threads(int requested);

using RangeBody = void (*)(void* context, std::int64_t begin, std::int64_t end);

// Runs body over [0, count) in chunks, on at most `threads` threads, the caller among them. The first
// exception of a body is rethrown here; Interrupted is thrown when a signal is pending on the main thread.
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

// Aligned memory of the calling thread, kept for the next call: freed in reverse order of taking (a stack).
class Scratch {
 public:
  explicit Scratch(std::int64_t bytes);  // 64-byte aligned; throws std::bad_alloc
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  STRETTO_INLINE T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  std::int64_t bytes_;
};

}  // namespace stretto
