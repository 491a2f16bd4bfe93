// The oracle: one worker, every item in its order, no queues and no other thread.
#include "base/parallel.h"
#include "execute/executor.h"

namespace stretto {

void Executor::run_serial(Run& run) {
  const WorkerScope scope(plan_.threads, nullptr);
  for (const int item : plan_.workers[0]) run_item(run, 0, item);
}

}  // namespace stretto
