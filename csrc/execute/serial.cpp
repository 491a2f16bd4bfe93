// The oracle: one worker, every item in its order, no waiting and no other thread.
#include "execute/conductor.h"

namespace stretto {

void Conductor::run_serial(std::span<const int> items, const Setting& setting, const Perform& perform) const {
  const WorkerScope scope(plan_.threads, &setting.stop);
  for (const int item : items) {
    setting.watchdog.runs(setting.lane, setting.batch, plan_.items[item]);
    perform(0, item);
  }
  setting.watchdog.rests(setting.lane);
}

}  // namespace stretto
