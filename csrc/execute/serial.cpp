// The oracle: one worker, every item in its order, no waiting and no other thread.
#include "execute/conductor.h"

namespace stretto {

void Conductor::run_serial(const StopFlag& stop, const Perform& perform) const {
  const WorkerScope scope(plan_.threads, &stop);
  for (const int item : plan_.workers[0]) perform(0, item);
}

}  // namespace stretto
