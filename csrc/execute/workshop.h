// What all executors of a runner share: the threads, and the right to use them.
#pragma once

#include <atomic>
#include <mutex>

#include "base/crowding.h"
#include "base/parallel.h"
#include "base/worker.h"
#include "execute/watchdog.h"

namespace stretto {

class Conductor;
class Turn;

class Workshop {
 public:
  explicit Workshop(int workers);

  // From any thread: ends the run that has its turn now; it throws Cancelled.
  void cancel();

  Crew crew;
  Watchdog watchdog;
  Crowding crowding;

 private:
  friend class Turn;
  void renew_after_fork();
  std::atomic<bool> taken_ = false;
  Signal free_;
  std::mutex cancelling_;
  Turn* turn_ = nullptr;  // guarded by `cancelling_`
  std::atomic<unsigned> forks_;
};

// The right to use a workshop, from its begin to its end; who waits for it still looks at signals.
class Turn {
 public:
  Turn(Workshop& workshop, Conductor& conductor);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  StopFlag stop;
  std::atomic<bool> cancelled = false;

 private:
  friend class Workshop;
  Workshop& workshop_;
  Conductor& conductor_;
};

}  // namespace stretto
