// A crew: threads that live as long as it does, sleep between runs and poll within one.
#pragma once

#include <atomic>
#include <memory>

namespace stretto {

class Crew {
 public:
  using Body = void (*)(void* context, int worker);

  explicit Crew(int workers);  // workers - 1 threads: the caller of run() is worker 0
  ~Crew();                     // must not be called during a run
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int workers() const { return workers_; }

  // Runs body on `workers` workers, which must not throw, and returns when all of them have. One run at a
  // time. In a forked child the threads are started anew.
  void run(int workers, Body body, void* context);

  // True when a worker that waits may burn its core for a moment: there are cores enough for all workers.
  bool may_poll() const { return may_poll_; }

 private:
  struct State;
  void start();
  void stop();
  int workers_;
  bool may_poll_;
  int process_ = 0;
  State* state_ = nullptr;  // left behind in a forked child, where its locks may be held by nobody
};

// An event that one run's workers wait for: any change of what they look at.
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify();       // after a sequentially consistent change; cheap when nobody sleeps
  void notify_late();  // after any other change

  // Returns when ready(context) is true: polls up to 50 us if allowed, then sleeps. ready() must look by
  // sequentially consistent loads. With `every` set it is called each 50 ms of sleep, and may throw.
  void wait(bool (*ready)(const void* context), const void* context, bool poll, void (*every)());

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::atomic<int> sleepers_ = 0;
};

}  // namespace stretto
