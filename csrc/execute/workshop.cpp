#include "execute/workshop.h"

#include <pthread.h>

#include <new>

#include "base/forks.h"
#include "execute/conductor.h"

namespace stretto {
namespace {

// Its holder at a fork may be a thread that the child does not have.
std::mutex renewing;
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { new (&renewing) std::mutex; });

}  // namespace

Workshop::Workshop(int workers) : crew(workers), watchdog(workers), forks_(forks_seen()) {}

void Workshop::cancel() {
  renew_after_fork();
  const std::lock_guard lock(cancelling_);
  if (!turn_) return;
  turn_->cancelled = true;
  turn_->stop.set.store(true);
  turn_->conductor_.wake();
}

// A run that another thread of the parent was in is not in the child, and what it had locked is free.
void Workshop::renew_after_fork() {
  if (forks_.load(std::memory_order_acquire) == forks_seen()) return;
  const std::lock_guard lock(renewing);
  if (forks_.load() == forks_seen()) return;
  free_.renew_after_fork();
  new (&cancelling_) std::mutex;
  turn_ = nullptr;
  taken_ = false;
  forks_.store(forks_seen(), std::memory_order_release);
}

Turn::Turn(Workshop& workshop, Conductor& conductor) : workshop_(workshop), conductor_(conductor) {
  workshop.renew_after_fork();
  workshop.free_.wait([&] { return !workshop.taken_.exchange(true); }, false, poll_interrupt);
  const std::lock_guard lock(workshop.cancelling_);
  workshop.turn_ = this;
}

Turn::~Turn() {
  {
    const std::lock_guard lock(workshop_.cancelling_);
    workshop_.turn_ = nullptr;
  }
  workshop_.taken_.store(false);
  workshop_.free_.notify();
}

}  // namespace stretto
