// A plan on a device: its steps are put on one stream, in order, and nothing is waited for.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/place.h"
#include "execute/open_plan.h"

namespace stretto {

class DevicePlan {
 public:
  // The score's constants are on the device. Throws NoKernelError for a plan of several workers: a stream has
  // one order.
  explicit DevicePlan(std::shared_ptr<const Score> score);

  // The arenas are of the place's memory, and given back in the order of its stream. Throws what a step
  // threw, with its place added to the text. From any thread.
  void run(const Batch& batch, const Place& where);

 private:
  std::unique_ptr<BoundPlan> take();

  std::shared_ptr<const Score> score_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BoundPlan>> idle_;  // one for each call that was under way at once
};

}  // namespace stretto
