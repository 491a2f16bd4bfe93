#include "execute/executor.h"

#include <cstdlib>
#include <new>

#include "base/parallel.h"

namespace stretto {

Executor::Executor(std::shared_ptr<Workshop> workshop, std::shared_ptr<Constants> constants,
                   std::vector<Program> programs, Plan plan)
    : workshop_(std::move(workshop)),
      constants_(std::move(constants)),
      programs_(std::move(programs)),
      plan_(std::move(plan)),
      arenas_(nullptr, std::free),
      conductor_(plan_) {
  std::int64_t slot_bytes = 0;
  for (const Program& program : programs_) slot_bytes = std::max(slot_bytes, program.arena_bytes);
  slot_bytes = (slot_bytes + 63) / 64 * 64;
  if (__builtin_mul_overflow(slot_bytes, std::int64_t(plan_.slots), &arena_bytes_)) throw std::bad_alloc();
  arenas_.reset(
      static_cast<char*>(std::aligned_alloc(64, std::size_t(std::max<std::int64_t>(arena_bytes_, 64)))));
  if (!arenas_) throw std::bad_alloc();

  bound_.resize(programs_.size() * std::size_t(plan_.slots));
  for (const MicroBatch& batch : plan_.micro_batches) {
    auto& stages = bound_[std::size_t(batch.program) * plan_.slots + batch.slot];
    if (!stages.empty()) continue;
    for (const std::vector<int>& steps : plan_.stages)
      stages.push_back(std::make_unique<BoundStage>(programs_[batch.program], steps,
                                                    arenas_.get() + batch.slot * slot_bytes, *constants_));
  }
}

Executor::~Executor() = default;

Turn::Turn(Workshop& workshop) : workshop_(workshop) {
  workshop.free.wait(
      [](const void* pointer) { return !static_cast<const Workshop*>(pointer)->taken.exchange(true); },
      &workshop, false, poll_interrupt);
}

Turn::~Turn() {
  workshop_.taken.store(false);
  workshop_.free.notify();
}

void Executor::run(std::span<const ArrayView> inputs, std::span<const ArrayView> outputs,
                   Timeline* timeline) {
  const CallScope scope;
  const Turn turn(*workshop_);
  StopFlag stop;
  if (timeline) timeline->workers.assign(plan_.workers.size(), {});
  conductor_.run(workshop_->crew, stop,
                 [&](int worker, int item) { run_item(inputs, outputs, timeline, worker, item); });
}

void Executor::run_item(std::span<const ArrayView> inputs, std::span<const ArrayView> outputs,
                        Timeline* timeline, int worker, int item) {
  const Item& what = plan_.items[item];
  const MicroBatch& batch = plan_.micro_batches[what.micro_batch];
  BoundStage& stage = *bound_[std::size_t(batch.program) * plan_.slots + batch.slot][what.stage];
  stage.place(inputs, outputs, plan_, batch.first);
  stage.run(
      {worker, what.stage, what.micro_batch, plan_.threads, timeline ? &timeline->workers[worker] : nullptr});
}

}  // namespace stretto
