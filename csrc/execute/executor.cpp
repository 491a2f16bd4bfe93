#include "execute/executor.h"

#include <functional>

#include "base/error.h"
#include "base/parallel.h"

namespace stretto {

void Executor::run(const Batch& batch) {
  const CallScope scope;
  Turn turn(*workshop_, open_.conductor());
  if (batch.timeline) batch.timeline->workers.assign(open_.plan().workers.size(), {});
  const auto perform = [&](int worker, int item) { open_.perform(batch, worker, item); };
  try {
    open_.conductor().run(workshop_->crew, workshop_->watchdog, turn.stop, std::ref(perform));
  } catch (const Interrupted&) {
    if (turn.cancelled) throw Cancelled();
    throw;
  }
}

}  // namespace stretto
