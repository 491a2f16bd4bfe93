#include "execute/conductor.h"

#include <algorithm>
#include <exception>
#include <mutex>

#include "base/error.h"

namespace stretto {
namespace {

Crowding::Duration now() { return Crowding::Clock::now().time_since_epoch(); }

// Worker 0 is the caller, who alone may look at signals; the others see his stop flag.
std::function<void()> look_of(int worker, Watchdog& watchdog) {
  if (worker != 0 && !watchdog.is_awake()) return {};
  return [worker, &watchdog] {
    if (worker == 0) poll_interrupt();
    watchdog.look();
  };
}

// All items, each after those that it waits for: always what the last worker can do, so that what a stage has
// made is used while it is in the caches.
std::vector<int> items_in_order(const Plan& plan) {
  std::vector<int> order;
  std::vector<bool> finished(plan.items.size());
  std::vector<std::size_t> next(plan.workers.size());
  const auto is_ready = [&](std::size_t worker) {
    if (next[worker] == plan.workers[worker].size()) return false;
    const std::vector<int>& after = plan.items[plan.workers[worker][next[worker]]].after;
    return std::all_of(after.begin(), after.end(), [&](int other) { return finished[other]; });
  };
  for (std::size_t worker = plan.workers.size(); worker-- > 0;) {
    if (!is_ready(worker)) continue;
    const int item = plan.workers[worker][next[worker]++];
    finished[item] = true;
    order.push_back(item);
    worker = plan.workers.size();
  }
  if (order.size() != plan.items.size()) throw ShapeError("plan: its items wait for each other");
  return order;
}

}  // namespace

// The state of one run; nothing of it survives the call.
struct Conductor::Run {
  Conductor& conductor;
  StopFlag& stop;
  const Setting& setting;
  const Perform& perform;
  Crowding::Duration begin = now();
  std::exception_ptr error = nullptr;  // the first; guarded by `failing`
  std::mutex failing = {};
  MostLost lost = {};

  void work(int worker) {
    try {
      if (worker == 0) {
        conductor.work(worker, setting, perform);
        conductor.wait_for_others(setting);
      } else {
        const Crowding::Duration waking = lost_waking(now() - begin);
        const LostTime own;
        const Crowding::Duration slept = conductor.work(worker, setting, perform);
        lost.add(waking + own.so_far() - slept);
      }
    } catch (...) {
      {
        const std::lock_guard lock(failing);
        // A stopped worker says Interrupted; what stopped it was noted before.
        if (!error) error = std::current_exception();
      }
      stop.set.store(true);
      conductor.wake();
    }
  }
};

Conductor::Conductor(const Plan& plan)
    : plan_(plan),
      in_order_(items_in_order(plan)),
      finished_(new std::atomic<Crowding::Duration>[plan.items.size() + 1]) {}

Crowding::Duration Conductor::run(Crew& crew, Watchdog& watchdog, StopFlag& stop, const Perform& perform) {
  const Setting setting{stop, watchdog, crew};
  watchdog.begins();
  if (plan_.workers.size() == 1) {
    run_serial(in_order_, setting, perform);
    return {};
  }
  begin();
  Run run{*this, stop, setting, perform};
  crew.run(
      int(plan_.workers.size()), [](void* context, int worker) { static_cast<Run*>(context)->work(worker); },
      &run);
  if (run.error) std::rethrow_exception(run.error);
  if (stop.requested()) throw Interrupted();
  return run.lost.get();
}

void Conductor::run_alone(Crew& crew, Watchdog& watchdog, StopFlag& stop, const Perform& perform) const {
  watchdog.begins();
  run_serial(in_order_, {stop, watchdog, crew}, perform);
}

void Conductor::begin() {
  progress_.renew_after_fork();
  for (std::size_t i = 0; i < plan_.items.size(); ++i) finished_[i].store({}, std::memory_order_relaxed);
}

Crowding::Duration Conductor::work(int worker, const Setting& setting, const Perform& perform) {
  Crowding::Duration slept{};
  if (plan_.workers.size() == 1) {
    run_serial(in_order_, setting, perform);
    return slept;
  }
  const WorkerScope scope(plan_.threads, &setting.stop);
  const std::function<void()> look = look_of(worker, setting.watchdog);
  const int lane = setting.lane + worker;
  for (const int item : plan_.workers[worker]) {
    for (const int other : plan_.items[item].after) slept += wait_for(other, worker, setting, look);
    if (setting.stop.requested()) break;
    setting.watchdog.runs(lane, setting.batch, plan_.items[item]);
    perform(worker, item);
    setting.watchdog.finishes();
    finished_[item].store(now());
    progress_.notify();
  }
  setting.watchdog.rests(lane);
  return slept;
}

// Returns when the item has finished or the run is stopped: how long it slept for want of it.
Crowding::Duration Conductor::wait_for(int item, int worker, const Setting& setting,
                                       const std::function<void()>& every) {
  const auto is_finished = [&] { return finished_[item].load() != Crowding::Duration{}; };
  if (is_finished()) return {};
  const Crowding::Duration begin = now();
  setting.watchdog.waits(setting.lane + worker, setting.batch, plan_.items[item]);
  const auto is_over = [&] { return is_finished() || setting.stop.requested(); };
  if (!progress_.wait(is_over, setting.crew.may_poll(), every)) return {};
  setting.crew.settle(setting.seat + worker);
  const Crowding::Duration end = now();
  return end - begin - lost_waking(end - finished_[item].load());
}

// The caller looks at signals until the last item of every worker has finished.
void Conductor::wait_for_others(const Setting& setting) {
  const std::function<void()> look = look_of(0, setting.watchdog);
  for (std::size_t worker = 1; worker < plan_.workers.size(); ++worker) {
    if (plan_.workers[worker].empty()) continue;
    wait_for(plan_.workers[worker].back(), 0, setting, look);
  }
  setting.watchdog.rests(setting.lane);
}

}  // namespace stretto
