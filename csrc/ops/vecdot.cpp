// vecdot: dot products along one axis of two arrays that broadcast.
#include "kernels/vecdot/vecdot.h"

#include <algorithm>

#include "ops/arguments.h"
#include "ops/ops.h"

namespace stretto {
namespace {

constexpr const char* kName = "vecdot";

struct Problem {
  Dims full;  // broadcast, the axis still in place
  Dims out;
  int axis;  // counted from the last
};

Problem parse(const Types& inputs, const Attributes& attributes) {
  const Dims &a = inputs[0].shape, &b = inputs[1].shape;
  const std::int64_t axis = attributes.integer(kName, "axis", -1);
  const int least = std::min(a.count, b.count);
  Problem p;
  p.full.count = std::max(a.count, b.count);
  const std::int64_t from_last = axis < 0 ? -1 - axis : p.full.count - 1 - axis;
  if (from_last < 0 || from_last >= least)
    throw ShapeError(message("vecdot: axis is out of range: axis is ", axis, ", a is ", a, ", b is ", b,
                             "; both must have it"));
  p.axis = int(from_last);
  if (a.last(p.axis) != b.last(p.axis))
    throw ShapeError(message("vecdot: lengths differ: a is ", a, ", b is ", b, "; their sizes along axis ",
                             axis, " must be equal"));
  p.full = broadcast(kName, a, b);
  for (int d = 0; d < p.full.count; ++d)
    if (d != p.full.count - 1 - p.axis) p.out.push(p.full[d]);
  return p;
}

Types infer(const Types& inputs, const Attributes& attributes) {
  const Problem p = parse(inputs, attributes);
  return {{computation_type(kName, inputs, attributes), p.out}};
}

Cost cost(const Types& inputs, const Types& outputs, const Attributes& attributes) {
  const Problem p = parse(inputs, attributes);
  Cost c;
  c.flops = 2.0 * double(p.full.product());
  for (const ValueType& input : inputs) c.bytes += double(input.shape.product()) * itemsize(input.dtype);
  c.bytes += double(outputs[0].shape.product()) * itemsize(outputs[0].dtype);
  return c;
}

int batch(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  const Problem p = parse(inputs, attributes);
  int from_last = -1;
  for (int i = 0; i < 2; ++i) {
    if (axes[i] == kNoBatch) continue;
    const int position = inputs[i].shape.count - 1 - axes[i];
    if (position == p.axis || (from_last != -1 && from_last != position)) return kMixesSamples;
    from_last = position;
  }
  for (int i = 0; i < 2; ++i)
    if (axes[i] == kNoBatch && from_last < inputs[i].shape.count && inputs[i].shape.last(from_last) != 1)
      return kMixesSamples;
  return p.full.count - 1 - from_last - (from_last < p.axis);
}

// Moves the axis to the end.
ArrayView with_axis_last(const ArrayView& view, const Problem& p) {
  ArrayView moved = broadcast_to(view, p.full);
  const int at = p.full.count - 1 - p.axis;
  const std::int64_t size = moved.shape[at], step = moved.strides[at];
  for (int d = at; d + 1 < moved.shape.count; ++d) {
    moved.shape[d] = moved.shape[d + 1];
    moved.strides[d] = moved.strides[d + 1];
  }
  moved.shape[moved.shape.count - 1] = size;
  moved.strides[moved.strides.count - 1] = step;
  return moved;
}

void run(const Call& call) {
  const Types types = {call.inputs[0].type(), call.inputs[1].type()};
  const Problem p = parse(types, call.attributes);
  const DType dtype = computation_type(kName, types, call.attributes);
  const Converted a(call.inputs[0], dtype), b(call.inputs[1], dtype);
  const VecdotArgs args{with_axis_last(a.view(), p), with_axis_last(b.view(), p), call.outputs[0]};
  if (args.out.size() == 0) return;
  select_vecdot(args, this_machine(), call.options.variant).run(args, call.options.threads);
}

}  // namespace

const Op vecdot_op = {
    .name = kName,
    .inputs = {"a", "b"},
    .infer = infer,
    .cost = cost,
    .batch = batch,
    .run = run,
    .variants = vecdot_variants,
    .widens = true,
};

}  // namespace stretto
