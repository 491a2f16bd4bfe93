// A plan on a device: its steps are put on one stream, in order, and nothing is waited for.
//
// At the first call they are written down (base/recording.h), later ones replay that. What a recording
// cannot follow, inputs of other strides or alignment, runs step by step.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/place.h"
#include "base/recording.h"
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
  struct Recorded {
    std::unique_ptr<Recording> launches;
    std::int64_t scratch_bytes = 0;
  };
  void perform(BoundPlan& bound, const Batch& batch, void* arenas, StepMemory& memory) const;
  void run_steps(const Batch& batch, const Place& where);
  bool can_replay(const Batch& batch) const;
  std::shared_ptr<Recorded> recorded(const Batch& batch, const Place& where);
  void replay(Recorded& recorded, const Batch& batch, const Place& where);

  std::shared_ptr<const Score> score_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BoundPlan>> idle_;  // one for each call that was under way at once
  std::shared_ptr<Recorded> recorded_;
};

}  // namespace stretto
