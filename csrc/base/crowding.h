// Whether other processes want the CPUs that helpers would run on.
#pragma once

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace stretto {

// A helper that loses its CPU in the middle of a chunk is waited for, often for milliseconds. After such a
// call callers work alone for a while: twice as long each time it happens again, half as long after a quiet
// time.
class Crowding {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = Clock::duration;

  bool lasts_at(Clock::time_point now) const {
    return now.time_since_epoch() < until_.load(std::memory_order_relaxed);
  }

  // Of a call: when its caller found no more work, how long it had worked, and how long it waited for helpers
  // that had lost their CPU.
  void judge(Clock::time_point now, Duration worked, Duration waited) {
    const Duration pause = pause_.load(std::memory_order_relaxed), time = now.time_since_epoch();
    if (waited > worked + kNoise) {
      pause_.store(std::min(2 * pause, kMost), std::memory_order_relaxed);
      until_.store(time + pause, std::memory_order_relaxed);
      judged_.store(time + pause, std::memory_order_relaxed);
    } else if (pause > kLeast && time > judged_.load(std::memory_order_relaxed) + 4 * pause) {
      pause_.store(pause / 2, std::memory_order_relaxed);
      judged_.store(time, std::memory_order_relaxed);
    }
  }

 private:
  static constexpr Duration kNoise = std::chrono::microseconds(50);
  static constexpr Duration kLeast = std::chrono::milliseconds(1), kMost = std::chrono::milliseconds(512);

  std::atomic<Duration> pause_{kLeast};       // of the next time
  std::atomic<Duration> until_{Duration{}};   // callers work alone
  std::atomic<Duration> judged_{Duration{}};  // when the pause was last changed
};

// How much longer this thread takes than it has a CPU.
class LostTime {
 public:
  Crowding::Duration so_far() const { return (Crowding::Clock::now() - begin_) - (cpu_time() - used_); }

 private:
  static Crowding::Duration cpu_time() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  }

  Crowding::Clock::time_point begin_ = Crowding::Clock::now();
  Crowding::Duration used_ = cpu_time();
};

// Of the time from an event to the thread that sleeps until it: a CPU that is free is there sooner.
inline Crowding::Duration lost_waking(Crowding::Duration since) {
  return since < std::chrono::milliseconds(1) ? Crowding::Duration{} : since;
}

// The most that one of several helpers lost.
class MostLost {
 public:
  void add(Crowding::Duration lost) {
    for (auto most = most_.load(); lost > most && !most_.compare_exchange_weak(most, lost);) {
    }
  }
  Crowding::Duration get() const { return most_.load(); }

 private:
  std::atomic<Crowding::Duration> most_{};
};

}  // namespace stretto
