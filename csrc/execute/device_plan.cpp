#include "execute/device_plan.h"

#include "base/error.h"
#include "base/parallel.h"
#include "execute/step_memory.h"
#include "kernels/cuda_table.h"
#include "ops/room.h"

namespace stretto {
namespace {

// The regions of a recording, from kFirstRegion on: the arenas, the temporary arrays, then the batch's
// arrays.
constexpr int kArenas = 0, kScratch = 1, kArrays = 2;

void check_words(const char* wrong) {
  if (wrong) throw_device_error(wrong);
}

std::int64_t aligned(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

// The arrays of a batch, all of them marks.
std::vector<ArrayView> marked(std::span<const ArrayView> arrays, int pass, int region) {
  std::vector<ArrayView> views;
  for (const ArrayView& array : arrays)
    views.push_back(
        contiguous_view(Mark::of(pass, Recording::kFirstRegion + region++), array.dtype, array.shape));
  return views;
}

}  // namespace

DevicePlan::DevicePlan(std::shared_ptr<const Score> score) : score_(std::move(score)) {
  const std::size_t workers = score_->plan.workers.size();
  if (workers > 1)
    throw NoKernelError(message("plan: on a GPU a plan has one worker, the stream: this one has ", workers,
                                "; use the schedule \"serial\" or \"depth_first\""));
}

void DevicePlan::run(const Batch& batch, const Place& where) {
  const CallScope scope;
  if (!can_replay(batch)) return run_steps(batch, where);
  replay(*recorded(batch, where), batch, where);
}

void DevicePlan::perform(BoundPlan& bound, const Batch& batch, void* arenas, StepMemory& memory) const {
  Batch here = batch;
  here.memory = &memory;
  bound.settle(static_cast<char*>(arenas), memory.place());
  for (const std::vector<int>& items : score_->plan.workers)
    for (const int item : items) bound.perform(here, 0, item);
}

void DevicePlan::run_steps(const Batch& batch, const Place& where) {
  const std::shared_ptr<void> arenas = room_for(score_->arena_bytes(), &where);
  std::unique_ptr<BoundPlan> bound;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      bound = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!bound) bound = std::make_unique<BoundPlan>(*score_, true);
  CallMemory memory(where);
  perform(*bound, batch, arenas.get(), memory);
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(bound));
}

bool DevicePlan::can_replay(const Batch& batch) const {
  const CudaTable* const table = cuda_table();
  const std::size_t regions = kArrays + batch.inputs.size() + batch.outputs.size();
  if (!table || !table->new_recording || regions > std::size_t(Recording::kMostRegions)) return false;
  for (const auto& arrays : {batch.inputs, batch.outputs})
    for (const ArrayView& array : arrays)
      if (!is_contiguous(array) || reinterpret_cast<std::uintptr_t>(array.data) % 256 != 0) return false;
  return true;
}

std::shared_ptr<DevicePlan::Recorded> DevicePlan::recorded(const Batch& batch, const Place& where) {
  {
    const std::lock_guard lock(mutex_);
    if (recorded_) return recorded_;
  }
  auto made = std::make_shared<Recorded>();
  made->launches.reset(cuda_table()->new_recording());
  for (int pass = 0; pass < Recording::kPasses; ++pass) {
    const std::vector<ArrayView> inputs = marked(batch.inputs, pass, kArrays);
    const std::vector<ArrayView> outputs = marked(batch.outputs, pass, kArrays + int(batch.inputs.size()));
    BoundPlan bound(*score_, true);
    MarkedMemory memory(where.device, pass, Recording::kFirstRegion + kScratch);
    struct Writing {
      Recording& recording;
      ~Writing() { recording.end(); }
    } writing{*made->launches};
    made->launches->begin(pass);
    perform(bound, {inputs, outputs}, Mark::of(pass, Recording::kFirstRegion + kArenas), memory);
    made->scratch_bytes = memory.bytes();
  }
  const std::lock_guard lock(mutex_);  // another thread may have been as quick
  if (!recorded_) recorded_ = std::move(made);
  return recorded_;
}

void DevicePlan::replay(Recorded& recorded, const Batch& batch, const Place& where) {
  const std::int64_t arena_bytes = aligned(score_->arena_bytes());
  const std::shared_ptr<void> room = room_for(arena_bytes + recorded.scratch_bytes, &where);
  std::vector<void*> regions{room.get(), static_cast<char*>(room.get()) + arena_bytes};
  for (const ArrayView& input : batch.inputs) regions.push_back(input.data);
  for (const ArrayView& output : batch.outputs) regions.push_back(output.data);
  const std::lock_guard lock(mutex_);
  check_words(recorded.launches->replay(regions.data(), int(regions.size()), where));
}

}  // namespace stretto
