// A plan in memory: its arenas, and every stage bound to them. It runs one batch at a time.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "execute/conductor.h"
#include "execute/constants.h"
#include "execute/plan.h"
#include "execute/stage.h"
#include "execute/timeline.h"

namespace stretto {

class StepMemory;

// What is played: never changed, and shared by all who play it at once.
struct Score {
  std::shared_ptr<Constants> constants;
  std::vector<Program> programs;  // one for each size of micro-batch
  Plan plan;

  std::int64_t slot_bytes() const;
  std::int64_t arena_bytes() const;  // of all slots; throws std::bad_alloc when there is no such number
};

// A batch as a plan's items see it.
struct Batch {
  std::span<const ArrayView> inputs, outputs;
  Timeline* timeline = nullptr;
  std::int64_t number = -1;      // in its stream
  int lane = 0;                  // of the plan's worker 0 in the timeline
  StepMemory* memory = nullptr;  // of a device
};

// Every stage of a plan, with its operands in place.
class BoundPlan {
 public:
  // Packs every weight that is not packed yet; on a device there is nothing to pack.
  BoundPlan(const Score& score, bool on_device);

  // Where the slots' arenas are, one after the other, and all operands: null for host memory.
  void settle(char* arenas, const Place* where);
  // Throws what a step threw, with its place added to the text.
  void perform(const Batch& batch, int worker, int item);

 private:
  const Score& score_;
  std::vector<std::vector<std::unique_ptr<BoundStage>>> stages_;  // [program * slots + slot][stage]
};

class OpenPlan {
 public:
  // Allocates every arena and packs every weight that is not packed yet. Throws std::bad_alloc.
  explicit OpenPlan(std::shared_ptr<const Score> score);
  OpenPlan(const OpenPlan&) = delete;
  OpenPlan& operator=(const OpenPlan&) = delete;

  const Plan& plan() const { return score_->plan; }
  Conductor& conductor() { return conductor_; }

  // Throws what a step threw, with its place added to the text.
  void perform(const Batch& batch, int worker, int item) { bound_.perform(batch, worker, item); }

 private:
  std::shared_ptr<const Score> score_;
  std::unique_ptr<char, void (*)(void*)> arenas_;
  BoundPlan bound_;
  Conductor conductor_;
};

}  // namespace stretto
