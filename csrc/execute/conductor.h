// Keeps a plan's order on its workers, whatever an item does: a kernel, or a sleep in a rehearsal.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/crowding.h"
#include "base/parallel.h"
#include "base/worker.h"
#include "execute/plan.h"
#include "execute/watchdog.h"

namespace stretto {

// Where a plan's items are performed.
struct Setting {
  const StopFlag& stop;
  Watchdog& watchdog;
  Crew& crew;
  int seat = 0;             // of the plan's worker 0 in the crew
  std::int64_t batch = -1;  // the number in a stream
  int lane = 0;             // of the plan's worker 0 among all workers of a stream
};

class Conductor {
 public:
  using Perform = std::function<void(int worker, int item)>;

  explicit Conductor(const Plan& plan);

  // Performs every item once, on a crew of at least as many workers as the plan has. Throws what the first
  // failing item threw, or Interrupted when `stop` was set before the last item had finished. Returns the
  // most that one of the helpers lost of its CPU.
  Crowding::Duration run(Crew& crew, Watchdog& watchdog, StopFlag& stop, const Perform& perform);

  // The same on the caller alone, whatever worker an item is for.
  void run_alone(Crew& crew, Watchdog& watchdog, StopFlag& stop, const Perform& perform) const;

  // The same in parts, for who has workers of his own: begin(), then work() on each of them, which throws
  // what an item throws and returns early when it sees the stop flag: how long it slept.
  void begin();
  Crowding::Duration work(int worker, const Setting& setting, const Perform& perform);

  // To be called after setting a stop flag.
  void wake() { progress_.notify_late(); }

 private:
  struct Run;
  void run_serial(std::span<const int> items, const Setting& setting, const Perform& perform) const;
  Crowding::Duration wait_for(int item, int worker, const Setting& setting,
                              const std::function<void()>& every);
  void wait_for_others(const Setting& setting);

  const Plan& plan_;
  std::vector<int> in_order_;  // all items, each after those that it waits for
  std::unique_ptr<std::atomic<Crowding::Duration>[]> finished_;  // by item: when, or zero
  Signal progress_;
};

}  // namespace stretto
