// Whether other processes want the CPUs that helpers would run on.
#pragma once

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

  // Of a call: when its caller found no more work, how long it had worked, and how long it then waited for
  // helpers that had lost their CPU.
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

}  // namespace stretto
