#include "execute/executor.h"

#include <cstdlib>
#include <exception>
#include <new>

#include "base/parallel.h"

namespace stretto {

// The state of one run; nothing of it survives the call.
struct Executor::Run {
  std::span<const ArrayView> inputs, outputs;
  Timeline* timeline = nullptr;
  StopFlag stop;
  std::exception_ptr error;  // the first; guarded by `failing`
  std::mutex failing;
};

Executor::Executor(std::shared_ptr<Workshop> workshop, std::shared_ptr<Constants> constants,
                   std::vector<Program> programs, Plan plan)
    : workshop_(std::move(workshop)),
      constants_(std::move(constants)),
      programs_(std::move(programs)),
      plan_(std::move(plan)),
      arenas_(nullptr, std::free),
      finished_(new std::atomic<bool>[plan_.items.size() + 1]) {
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
  const int workers = int(plan_.workers.size());
  Run run{inputs, outputs, timeline, {}, nullptr, {}};
  if (timeline) timeline->workers.assign(std::size_t(workers), {});
  if (workers == 1) {
    run_serial(run);
  } else {
    for (std::size_t i = 0; i < plan_.items.size(); ++i) finished_[i].store(false, std::memory_order_relaxed);
    struct Context {
      Executor* executor;
      Run* run;
    } context{this, &run};
    workshop_->crew.run(
        workers,
        [](void* pointer, int worker) {
          const Context& c = *static_cast<Context*>(pointer);
          c.executor->work(*c.run, worker);
        },
        &context);
  }
  if (run.error) std::rethrow_exception(run.error);
}

void Executor::run_item(Run& run, int worker, int item) {
  const Item& what = plan_.items[item];
  const MicroBatch& batch = plan_.micro_batches[what.micro_batch];
  BoundStage& stage = *bound_[std::size_t(batch.program) * plan_.slots + batch.slot][what.stage];
  stage.place(run.inputs, run.outputs, plan_, batch.first);
  stage.run({worker, what.stage, what.micro_batch, plan_.threads,
             run.timeline ? &run.timeline->workers[worker] : nullptr});
}

// Worker 0 is the caller, who alone may look at signals; the others see its stop flag.
void Executor::work(Run& run, int worker) {
  const WorkerScope scope(plan_.threads, &run.stop);
  try {
    for (const int item : plan_.workers[worker]) {
      for (const int other : plan_.items[item].after) wait_for(run, other, worker);
      if (run.stop.requested()) return;
      run_item(run, worker, item);
      finished_[item].store(true);
      progress_.notify();
    }
    if (worker == 0) wait_for_others(run);
  } catch (...) {
    {
      const std::lock_guard lock(run.failing);
      // A stopped worker says Interrupted; what stopped it was noted before.
      if (!run.error) run.error = std::current_exception();
    }
    run.stop.set.store(true);
    progress_.notify_late();
  }
}

// Returns when the item has finished or the run is stopped.
void Executor::wait_for(const Run& run, int item, int worker) {
  struct Wanted {
    const std::atomic<bool>& finished;
    const StopFlag& stop;
  } const wanted{finished_[item], run.stop};
  progress_.wait(
      [](const void* pointer) {
        const Wanted& w = *static_cast<const Wanted*>(pointer);
        return w.finished.load() || w.stop.requested();
      },
      &wanted, workshop_->crew.may_poll(), worker == 0 ? poll_interrupt : nullptr);
}

// The caller looks at signals until the last item of every worker has finished.
void Executor::wait_for_others(const Run& run) {
  for (std::size_t worker = 1; worker < plan_.workers.size(); ++worker) {
    if (plan_.workers[worker].empty()) continue;
    wait_for(run, plan_.workers[worker].back(), 0);
  }
}

}  // namespace stretto
