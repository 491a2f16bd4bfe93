// A crew: threads that live as long as it does, sleep between runs and poll within one.
#pragma once

#include <atomic>
#include <functional>

#include "base/cpu_places.h"

namespace stretto {

class Crew {
 public:
  using Body = void (*)(void* context, int worker);

  // workers - 1 threads: the caller of run() is worker 0. Of them, so many compute at once.
  explicit Crew(int workers) : Crew(workers, workers) {}
  Crew(int workers, int computing);
  ~Crew();  // must not be called during a run
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int workers() const { return workers_; }

  // Runs body on `workers` workers, which must not throw, and returns when all of them have. One run at a
  // time. In a forked child the threads are started anew.
  void run(int workers, Body body, void* context);

  // The same in two halves, without worker 0: what the caller does in between is his own affair.
  void begin(int workers, Body body, void* context);
  void end();

  // True when a worker that waits may burn its core for a moment: there are cores enough.
  bool may_poll() const { return may_poll_; }

  // For workers that stay within a run for long: keeps each on a CPU of its own, where there are enough.
  void settle(int worker) {
    if (may_poll_) places_.settle(worker);
  }

 private:
  struct State;
  void start();
  void stop();
  void clear_cpu_of_caller();
  int workers_;
  int cleared_cpu_ = -1;  // that the threads are kept off
  bool may_poll_;
  CpuPlaces places_;
  unsigned forks_ = 0;
  State* state_ = nullptr;  // left behind in a forked child, where its locks may be held by nobody
};

// An event that the workers of a run wait for: any change of what they look at.
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify() {  // after a sequentially consistent change; cheap when nobody sleeps
    // A sleeper counts itself before it looks for the last time, so that one of the two sees the other.
    if (sleepers_.load() != 0) notify_late();
  }
  void notify_late();  // after any other change

  // Returns when ready() is true: polls up to 50 us if allowed, then sleeps. ready() must look by
  // sequentially consistent loads. `every`, if not empty, is called each 50 ms of sleep, and may throw. True
  // when it slept.
  template <class Ready>
  bool wait(const Ready& ready, bool poll, const std::function<void()>& every) {
    if (ready()) return false;
    return wait_slowly([](const void* context) { return (*static_cast<const Ready*>(context))(); }, &ready,
                       poll, every);
  }

  // For one that was made before a fork: forgets sleepers and lock. To be called where nobody else uses it.
  void renew_after_fork();

 private:
  struct State;
  bool wait_slowly(bool (*ready)(const void*), const void* context, bool poll,
                   const std::function<void()>& every);
  State* state_;  // left behind in a forked child
  unsigned forks_;
  std::atomic<int> sleepers_ = 0;
};

}  // namespace stretto
