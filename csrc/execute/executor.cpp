#include "execute/executor.h"

#include <functional>

#include "base/error.h"
#include "base/parallel.h"

namespace stretto {

Executor::Executor(std::shared_ptr<Workshop> workshop, std::shared_ptr<const Score> score)
    : workshop_(std::move(workshop)), open_(std::move(score)) {
  const int wanted = int(open_.plan().workers.size()), present = workshop_->crew.workers();
  if (wanted > present)
    throw ShapeError(message("plan: it has ", wanted, " workers; the runner has ", present));
}

void Executor::run(const Batch& batch) {
  const CallScope scope;
  Turn turn(*workshop_, open_.conductor());
  if (batch.timeline) batch.timeline->workers.assign(open_.plan().workers.size(), {});
  const auto perform = [&](int worker, int item) { open_.perform(batch, worker, item); };
  try {
    const auto begin = Crowding::Clock::now();
    const bool has_helpers = open_.plan().workers.size() > 1;
    if (has_helpers && !batch.timeline && workshop_->crowding.lasts_at(begin))
      return open_.conductor().run_alone(workshop_->crew, workshop_->watchdog, turn.stop, std::ref(perform));
    const auto lost =
        open_.conductor().run(workshop_->crew, workshop_->watchdog, turn.stop, std::ref(perform));
    const auto end = Crowding::Clock::now();
    // What a helper lost of more than half of a run it was waited for.
    if (has_helpers) workshop_->crowding.judge(end, end - begin - lost, lost);
  } catch (const Interrupted&) {
    if (turn.cancelled) throw Cancelled();
    throw;
  }
}

}  // namespace stretto
