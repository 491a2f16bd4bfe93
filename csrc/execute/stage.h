// A stage's steps with every operand in place, ready to run again and again.
#pragma once

#include <span>
#include <vector>

#include "execute/constants.h"
#include "execute/plan.h"
#include "execute/timeline.h"

namespace stretto {

class StepMemory;

class BoundStage {
 public:
  // On a device no weight is packed.
  BoundStage(const Program& program, const Stage& stage, Constants& constants, bool on_device);

  // Where the arena is, and every operand: null for host memory.
  void settle(char* arena, const Place* where);

  // Points at samples [first, ...) of the caller's arrays.
  void place(std::span<const ArrayView> inputs, std::span<const ArrayView> outputs, const Plan& plan,
             std::int64_t first);

  struct Context {
    int worker, stage, micro_batch, threads;
    std::int64_t batch;        // the number in a stream, or -1
    std::vector<Span>* spans;  // nullptr: nobody asked
    StepMemory* memory;        // of a device, or nullptr
  };
  // Throws what a step throws, with the step, the micro-batch and the shapes added to its text.
  void run(const Context& context);

 private:
  struct BoundStep {
    int step;
    const Step* source;
    std::vector<ArrayView> inputs, outputs;
    bool binds;                       // its calls
    bool is_bound;                    // with the strides that operands have
    std::unique_ptr<BoundCall> call;  // null: it converts operands
  };
  struct Patch {  // an operand in an array of the caller
    int step, operand;
    bool is_output;
    const PlacedValue* value;
    int channel_axis;  // kNoChannels: all of it
    std::int64_t first_channel;
  };
  struct Spot {  // an operand in the arena
    int step, operand;
    bool is_output;
    std::int64_t offset;
  };
  ArrayView& operand(int step, int number, bool is_output);
  void run(BoundStep& step, int threads);

  std::vector<BoundStep> steps_;
  std::vector<Patch> patches_;
  std::vector<Spot> spots_;
};

}  // namespace stretto
