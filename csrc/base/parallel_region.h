// What the two engines share: one call of parallel_ranges, and what a thread knows of itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>

#include "base/parallel.h"

namespace stretto {

// Plain data: a large thread-local object would not fit the static TLS of late-loaded libraries.
struct ThreadState {
  int limit = 0;           // of limit_threads; 0: none
  int worker_threads = 0;  // of WorkerScope; 0: not a worker
  bool in_region = false;
  bool is_main = false, knows_main = false;
  std::int64_t next_poll = 0;  // ns
  const StopFlag* stop = nullptr;
};
ThreadState& thread_state();

class Region {
 public:
  Region(std::int64_t chunks, std::int64_t count, std::int64_t chunk, RangeBody body, void* context)
      : chunks_(chunks), count_(count), chunk_(chunk), body_(body), context_(context) {
    stop_.outer = thread_state().stop;
  }

  // Claims chunks until there are none, an exception was thrown or the stop flag is set.
  void work() noexcept;

  // After all threads have left: throws what was thrown inside.
  void finish() const;

 private:
  void fail() noexcept;

  const std::int64_t chunks_, count_, chunk_;
  const RangeBody body_;
  void* const context_;
  StopFlag stop_;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  alignas(64) std::atomic<std::int64_t> next_{0};
};

// The engines: run region.work() on at most `threads` threads, the caller among them.
void run_claimed(Region& region, int threads);
void run_openmp(Region& region, int threads);

void forget_pool_after_fork();  // the threads of the parent are not in the child
bool has_openmp();
bool in_openmp_region();
int openmp_date();  // yyyymm of the specification; 0 without OpenMP

}  // namespace stretto
