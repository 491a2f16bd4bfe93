#include "execute/open_plan.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace stretto {

std::int64_t Score::slot_bytes() const {
  std::int64_t bytes = 0;
  for (const Program& program : programs) bytes = std::max(bytes, program.arena_bytes);
  return (bytes + 63) / 64 * 64;
}

std::int64_t Score::arena_bytes() const {
  std::int64_t bytes;
  if (__builtin_mul_overflow(slot_bytes(), std::int64_t(plan.slots), &bytes)) throw std::bad_alloc();
  return bytes;
}

BoundPlan::BoundPlan(const Score& score, bool on_device) : score_(score) {
  const Plan& plan = score.plan;
  stages_.resize(score.programs.size() * std::size_t(plan.slots));
  for (const MicroBatch& batch : plan.micro_batches) {
    auto& stages = stages_[std::size_t(batch.program) * plan.slots + batch.slot];
    if (!stages.empty()) continue;
    for (const Stage& stage : plan.stages)
      stages.push_back(
          std::make_unique<BoundStage>(score.programs[batch.program], stage, *score.constants, on_device));
  }
}

void BoundPlan::settle(char* arenas, const Place* where) {
  for (std::size_t i = 0; i < stages_.size(); ++i)
    for (const auto& stage : stages_[i])
      stage->settle(arenas + std::int64_t(i) % score_.plan.slots * score_.slot_bytes(), where);
}

void BoundPlan::perform(const Batch& batch, int worker, int item) {
  const Plan& plan = score_.plan;
  const Item& what = plan.items[item];
  const MicroBatch& part = plan.micro_batches[what.micro_batch];
  BoundStage& stage = *stages_[std::size_t(part.program) * plan.slots + part.slot][what.stage];
  stage.place(batch.inputs, batch.outputs, plan, part.first);
  const int lane = batch.lane + worker;
  stage.run({lane, what.stage, what.micro_batch, plan.threads, batch.number,
             batch.timeline ? &batch.timeline->workers[lane] : nullptr, batch.memory});
}

OpenPlan::OpenPlan(std::shared_ptr<const Score> score)
    : score_(std::move(score)),
      arenas_(nullptr, std::free),
      bound_(*score_, false),
      conductor_(score_->plan) {
  const std::int64_t bytes = std::max<std::int64_t>(score_->arena_bytes(), 64);
  arenas_.reset(static_cast<char*>(std::aligned_alloc(64, std::size_t(bytes))));
  if (!arenas_) throw std::bad_alloc();
  bound_.settle(arenas_.get(), nullptr);
}

}  // namespace stretto
