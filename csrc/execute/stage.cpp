#include "execute/stage.h"

#include <new>

#include "base/error.h"
#include "execute/step_memory.h"

namespace stretto {
namespace {

struct OutOfMemory : std::bad_alloc {
  explicit OutOfMemory(std::string text) : text(std::move(text)) {}
  const char* what() const noexcept override { return text.c_str(); }
  std::string text;
};

// The text of the current exception with its place added; what it is stays the same.
[[noreturn]] void rethrow_with(const std::string& place) {
  try {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (const ShapeError& error) {
    throw ShapeError(message(error.what(), place));
  } catch (const DTypeError& error) {
    throw DTypeError(message(error.what(), place));
  } catch (const NoKernelError& error) {
    throw NoKernelError(message(error.what(), place));
  } catch (const std::out_of_range& error) {
    throw std::out_of_range(message(error.what(), place));
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(message("out of memory", place));
  } catch (const std::exception& error) {
    throw std::runtime_error(message(error.what(), place));
  }
}

std::string place_of(const Step& step, std::span<const ArrayView> inputs, int index,
                     const BoundStage::Context& context) {
  std::string shapes;
  for (const ArrayView& input : inputs)
    if (input.present()) shapes += (shapes.empty() ? "" : ", ") + message(input.shape);
  const std::string batch = context.batch < 0 ? "" : message("batch ", context.batch, ", ");
  return message(" [", batch, "stage ", context.stage, ", step ", index, " (", step.op->name,
                 "), micro-batch ", context.micro_batch, ", inputs ", shapes, "]");
}

// Where part `part` of `parts` of the channels begins: at a multiple of 16, the width of most tiles, when
// there are enough for all.
std::int64_t part_begin(std::int64_t channels, int part, int parts) {
  const std::int64_t unit = channels >= 16 * std::int64_t(parts) ? 16 : 1;
  return part == parts ? channels : channels / unit * part / parts * unit;
}

// Cuts a view down to a part of its channels; returns the first of them.
std::int64_t cut_channels(ArrayView& view, int axis, const Stage& stage) {
  const std::int64_t begin = part_begin(view.shape[axis], stage.part, stage.parts);
  view.shape[axis] = part_begin(view.shape[axis], stage.part + 1, stage.parts) - begin;
  return begin;
}

// The axes of a step's operands along which its output's channels lie; none for a whole stage.
std::vector<int> channel_axes(const Program& program, const Step& step, const Stage& stage) {
  if (stage.parts == 1) return {};
  Types inputs, outputs;
  for (const int id : step.inputs) inputs.push_back(id < 0 ? ValueType{} : program.values[id].type);
  for (const int id : step.outputs) outputs.push_back(program.values[id].type);
  std::vector<int> axes;
  if (step.op->channels) axes = step.op->channels(inputs, outputs, step.attributes);
  if (axes.empty())
    throw ShapeError(message("plan: ", step.op->name, " cannot be made in parts of its channels: stage part ",
                             stage.part, " of ", stage.parts));
  return axes;
}

}  // namespace

BoundStage::BoundStage(const Program& program, const Stage& stage, Constants& constants, bool on_device) {
  for (const int index : stage.steps) {
    const Step& step = program.steps[index];
    if (step.is_view) continue;
    const std::vector<int> axes = channel_axes(program, step, stage);
    BoundStep bound{index, &step, {}, {}, !on_device && step.op->bind, false, nullptr};
    const auto bind = [&](int id, bool is_output) {
      auto& operands = is_output ? bound.outputs : bound.inputs;
      ArrayView view;
      if (id >= 0) {
        const PlacedValue& value = program.values[id];
        const int axis = axes.empty() ? kNoChannels : is_output ? axes.back() : axes[operands.size()];
        view.dtype = value.type.dtype;
        view.shape = value.type.shape;
        view.strides = value.strides;
        if (value.storage == Storage::constant && !value.is_view) view = constants.at(value.index);
        const std::int64_t channel = axis == kNoChannels ? 0 : cut_channels(view, axis, stage);
        const std::int64_t offset =
            value.offset + (channel ? channel * view.strides[axis] * itemsize(view.dtype) : 0);
        if (value.storage == Storage::arena) {
          spots_.push_back({int(steps_.size()), int(operands.size()), is_output, offset});
        } else if (value.storage == Storage::constant) {
          view.data = static_cast<char*>(constants.at(value.index).data) + offset;
          const bool is_weight = !is_output && operands.size() == 1 && step.op->pack && !value.is_view;
          if (is_weight && !on_device) view.packed = constants.packed(view, *step.op, step.attributes);
        } else {
          patches_.push_back({int(steps_.size()), int(operands.size()), is_output, &value, axis, channel});
        }
      }
      operands.push_back(view);
    };
    for (const int id : step.inputs) bind(id, false);
    for (const int id : step.outputs) bind(id, true);
    steps_.push_back(std::move(bound));
  }
}

ArrayView& BoundStage::operand(int step, int number, bool is_output) {
  return (is_output ? steps_[step].outputs : steps_[step].inputs)[number];
}

void BoundStage::settle(char* arena, const Place* where) {
  for (const Spot& spot : spots_) operand(spot.step, spot.operand, spot.is_output).data = arena + spot.offset;
  for (BoundStep& step : steps_)
    for (auto* operands : {&step.inputs, &step.outputs})
      for (ArrayView& view : *operands) view.place = where;
}

void BoundStage::place(std::span<const ArrayView> inputs, std::span<const ArrayView> outputs,
                       const Plan& plan, std::int64_t first) {
  for (const Patch& patch : patches_) {
    const PlacedValue& value = *patch.value;
    const bool from_input = value.storage == Storage::input;
    const ArrayView& whole = (from_input ? inputs : outputs)[value.index];
    const Cut& cut = (from_input ? plan.inputs : plan.outputs)[value.index];
    ArrayView& view = operand(patch.step, patch.operand, patch.is_output);
    std::int64_t offset = value.offset;
    if (cut.axis != kNoBatch) offset += first * cut.factor * whole.strides[cut.axis] * itemsize(whole.dtype);
    if (!value.is_view && !(view.strides == whole.strides)) {
      view.strides = whole.strides;
      steps_[patch.step].is_bound = false;
    }
    if (patch.channel_axis != kNoChannels)
      offset += patch.first_channel * view.strides[patch.channel_axis] * itemsize(view.dtype);
    view.data = static_cast<char*>(whole.data) + offset;
  }
}

void BoundStage::run(BoundStep& step, int threads) {
  const Op& op = *step.source->op;
  const Call call{step.inputs, step.outputs, step.source->attributes, RunOptions{threads, nullptr}};
  if (step.binds && !step.is_bound) {
    step.call = op.bind(call);
    step.is_bound = true;
  }
  step.call ? step.call->run(call) : op.run(call);
}

void BoundStage::run(const Context& context) {
  for (BoundStep& step : steps_) {
    const std::int64_t begin = context.spans ? now_ns() : 0;
    try {
      run(step, context.threads);
    } catch (...) {
      rethrow_with(place_of(*step.source, step.inputs, step.step, context));
    }
    if (context.memory) context.memory->end_step();
    if (context.spans)
      context.spans->push_back(
          {context.worker, context.stage, step.step, context.micro_batch, begin, now_ns()});
  }
}

}  // namespace stretto
