#include "execute/executor.h"

#include <algorithm>
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
    open_.conductor().run(workshop_->crew, workshop_->watchdog, turn.stop, std::ref(perform));
    if (has_helpers) judge(Crowding::Clock::now() - begin);
  } catch (const Interrupted&) {
    if (turn.cancelled) throw Cancelled();
    throw;
  }
}

// What a run takes longer than it usually does it waited for helpers.
void Executor::judge(Crowding::Duration took) {
  usual_ = usual_ == Crowding::Duration::max() ? took : std::min(took, usual_ + usual_ / 64);
  workshop_->crowding.judge(Crowding::Clock::now(), usual_, took - usual_);
}

}  // namespace stretto
