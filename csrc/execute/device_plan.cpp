#include "execute/device_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "ops/room.h"

namespace stretto {

DevicePlan::DevicePlan(std::shared_ptr<const Score> score) : score_(std::move(score)) {
  const std::size_t workers = score_->plan.workers.size();
  if (workers > 1)
    throw NoKernelError(message("plan: on a GPU a plan has one worker, the stream: this one has ", workers,
                                "; use the schedule \"serial\" or \"depth_first\""));
}

std::unique_ptr<BoundPlan> DevicePlan::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<BoundPlan> bound = std::move(idle_.back());
      idle_.pop_back();
      return bound;
    }
  }
  return std::make_unique<BoundPlan>(*score_, true);
}

void DevicePlan::run(const Batch& batch, const Place& where) {
  const CallScope scope;
  const std::shared_ptr<void> arenas = room_for(score_->arena_bytes(), &where);
  std::unique_ptr<BoundPlan> bound = take();
  bound->settle(static_cast<char*>(arenas.get()), &where);
  for (const std::vector<int>& items : score_->plan.workers)
    for (const int item : items) bound->perform(batch, 0, item);
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(bound));
}

}  // namespace stretto
