// The temporary arrays of steps on a device. Those of a step are given back when it is on the stream.
#pragma once

#include <algorithm>
#include <vector>

#include "base/place.h"
#include "base/recording.h"

namespace stretto {

class StepMemory {
 public:
  virtual ~StepMemory() = default;
  StepMemory(const StepMemory&) = delete;
  StepMemory& operator=(const StepMemory&) = delete;

  const Place* place() const { return &place_; }
  virtual void end_step() = 0;

 protected:
  StepMemory(int device, void* stream) : place_{device, stream, allocate, this, release} {}
  virtual void* take(std::int64_t bytes) = 0;
  virtual void give_back(void* memory) = 0;

 private:
  static void* allocate(void* self, std::int64_t bytes) {
    return static_cast<StepMemory*>(self)->take(bytes);
  }
  static void release(void* self, void* memory) { static_cast<StepMemory*>(self)->give_back(memory); }
  Place place_;
};

// From the allocator of a call.
class CallMemory : public StepMemory {
 public:
  explicit CallMemory(const Place& where) : StepMemory(where.device, where.stream), where_(where) {}
  void end_step() override {
    while (!taken_.empty()) give_back(taken_.back());
  }

 private:
  void* take(std::int64_t bytes) override {
    taken_.push_back(where_.memory(bytes));
    return taken_.back();
  }
  void give_back(void* memory) override {
    where_.release(where_.context, memory);
    taken_.erase(std::find(taken_.begin(), taken_.end(), memory));
  }
  const Place where_;
  std::vector<void*> taken_;
};

// Marks of a recording's region, in which steps lie on top of each other.
class MarkedMemory : public StepMemory {
 public:
  MarkedMemory(int device, int pass, int region)
      : StepMemory(device, nullptr), pass_(pass), region_(region) {}
  void end_step() override { next_ = 0; }
  std::int64_t bytes() const { return most_; }

 private:
  void* take(std::int64_t bytes) override {
    const std::int64_t begin = next_;
    next_ += (bytes + 255) / 256 * 256;
    most_ = std::max(most_, next_);
    return Mark::of(pass_, region_, begin);
  }
  void give_back(void*) override {}
  int pass_, region_;
  std::int64_t next_ = 0, most_ = 0;
};

}  // namespace stretto
