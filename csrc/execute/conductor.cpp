#include "execute/conductor.h"

#include "base/error.h"

namespace stretto {

// The state of one run; nothing of it survives the call.
struct Conductor::Pass {
  Conductor& conductor;
  const Crew& crew;
  StopFlag& stop;
  const Perform& perform;
  std::exception_ptr error = nullptr;  // the first; guarded by `failing`
  std::mutex failing = {};
};

Conductor::Conductor(const Plan& plan)
    : plan_(plan), finished_(new std::atomic<bool>[plan.items.size() + 1]) {}

void Conductor::run(Crew& crew, StopFlag& stop, const Perform& perform) {
  if (plan_.workers.size() == 1) return run_serial(stop, perform);
  for (std::size_t i = 0; i < plan_.items.size(); ++i) finished_[i].store(false, std::memory_order_relaxed);
  Pass pass{*this, crew, stop, perform};
  crew.run(
      int(plan_.workers.size()),
      [](void* context, int worker) {
        Pass& pass = *static_cast<Pass*>(context);
        pass.conductor.work(pass, worker);
      },
      &pass);
  if (pass.error) std::rethrow_exception(pass.error);
  if (stop.requested()) throw Interrupted();
}

// Worker 0 is the caller, who alone may look at signals; the others see its stop flag.
void Conductor::work(Pass& pass, int worker) {
  const WorkerScope scope(plan_.threads, &pass.stop);
  try {
    for (const int item : plan_.workers[worker]) {
      for (const int other : plan_.items[item].after) wait_for(pass, other, worker);
      if (pass.stop.requested()) return;
      pass.perform(worker, item);
      finished_[item].store(true);
      progress_.notify();
    }
    if (worker == 0) wait_for_others(pass);
  } catch (...) {
    {
      const std::lock_guard lock(pass.failing);
      // A stopped worker says Interrupted; what stopped it was noted before.
      if (!pass.error) pass.error = std::current_exception();
    }
    pass.stop.set.store(true);
    progress_.notify_late();
  }
}

// Returns when the item has finished or the run is stopped.
void Conductor::wait_for(const Pass& pass, int item, int worker) {
  struct Wanted {
    const std::atomic<bool>& finished;
    const StopFlag& stop;
  } const wanted{finished_[item], pass.stop};
  progress_.wait(
      [](const void* pointer) {
        const Wanted& w = *static_cast<const Wanted*>(pointer);
        return w.finished.load() || w.stop.requested();
      },
      &wanted, pass.crew.may_poll(), worker == 0 ? poll_interrupt : nullptr);
}

// The caller looks at signals until the last item of every worker has finished.
void Conductor::wait_for_others(const Pass& pass) {
  for (std::size_t worker = 1; worker < plan_.workers.size(); ++worker) {
    if (plan_.workers[worker].empty()) continue;
    wait_for(pass, plan_.workers[worker].back(), 0);
  }
}

}  // namespace stretto
