// slice, split: parts of the same elements.
#include <limits>

#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/shapes.h"
#include "ops/view.h"

namespace stretto {
namespace {

// ---- slice ----

struct Range {
  std::int64_t start, count, step;
  bool whole;  // for every size of the axis
};

// Python's slice of every axis; a stop of 2^63 - 1 is the end, and -(2^63 - 1) with a negative step the
// front.
std::vector<Range> ranges(const ValueType& x, const Attributes& attributes) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const int count = x.shape.count;
  const Ints starts = attributes.integers("slice", "start", count, 0);
  const Ints stops = attributes.integers("slice", "stop", count, kEnd);
  const Ints steps = attributes.integers("slice", "step", count, 1);
  std::vector<Range> result;
  for (int d = 0; d < count; ++d) {
    const std::int64_t n = x.shape[d], step = steps[std::size_t(d)];
    if (step == 0 || step == std::numeric_limits<std::int64_t>::min())
      throw ShapeError(
          message("slice: step is out of range: it is ", step, " on axis ", d, "; it must not be 0"));
    const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    const auto clipped = [&](std::int64_t at) {
      if (at < 0) at = at < -n ? low : at + n;
      return at < low ? low : at > high ? high : at;
    };
    const std::int64_t start = clipped(starts[std::size_t(d)]), stop = clipped(stops[std::size_t(d)]);
    const std::int64_t span = step > 0 ? stop - start : start - stop, stride = step > 0 ? step : -step;
    result.push_back({start, span <= 0 ? 0 : (span - 1) / stride + 1, step,
                      starts[std::size_t(d)] == 0 && stops[std::size_t(d)] == kEnd && step == 1});
  }
  return result;
}

Types infer_slice(const Types& inputs, const Attributes& attributes) {
  ValueType out{inputs[0].dtype, {}};
  for (const Range& range : ranges(inputs[0], attributes)) out.shape.push(range.count);
  checked_size("slice", out);
  return {out};
}

int batch_slice(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  if (axes[0] == kNoBatch) return kNoBatch;
  return ranges(inputs[0], attributes)[std::size_t(axes[0])].whole ? axes[0] : kMixesSamples;
}

ArrayView part(const ArrayView& x, int axis, std::int64_t start, std::int64_t count, std::int64_t step) {
  ArrayView view = x;
  view.packed = nullptr;
  view.shape[axis] = count;
  view.strides[axis] = x.strides[axis] * step;
  if (view.size() > 0) view.data = x.as<char>() + start * x.strides[axis] * itemsize(x.dtype);
  return view;
}

bool view_slice(const Call& call) {
  ArrayView view = call.inputs[0];
  int axis = 0;
  for (const Range& range : ranges(view.type(), call.attributes)) {
    view = part(view, axis, range.start, range.count, range.step);
    ++axis;
  }
  call.outputs[0] = view;
  return true;
}

// ---- split ----

// Where the parts begin, and the end of the last one.
Ints boundaries(const ValueType& x, int axis, const Attributes& attributes) {
  const std::int64_t n = x.shape[axis];
  Ints bounds = {0};
  if (attributes.find("indices")) {
    const Ints indices = attributes.integers("split", "indices", -1, 0);
    for (const std::int64_t index : indices) {
      const std::int64_t at = index < 0 ? std::max<std::int64_t>(0, index + n) : std::min(index, n);
      bounds.push_back(at);
    }
    bounds.push_back(n);
    return bounds;
  }
  const std::int64_t sections = attributes.integer("split", "sections", 1);
  if (sections < 1 || n % sections != 0 || sections > 1 << 20)
    throw ShapeError(message("split: sections do not divide the axis: ", sections, " sections of axis ", axis,
                             " with ", n, " elements; pass a divisor, or the indices to split at"));
  for (std::int64_t i = 1; i <= sections; ++i) bounds.push_back(i * (n / sections));
  return bounds;
}

int split_axis(const ValueType& x, const Attributes& attributes) {
  return checked_axis("split", "axis", attributes.integer("split", "axis", 0), x.shape.count);
}

Types infer_split(const Types& inputs, const Attributes& attributes) {
  checked_size("split", inputs[0]);
  const int axis = split_axis(inputs[0], attributes);
  const Ints bounds = boundaries(inputs[0], axis, attributes);
  Types types;
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    ValueType out = inputs[0];
    out.shape[axis] = std::max<std::int64_t>(0, bounds[i + 1] - bounds[i]);  // as NumPy, where indices fall
    types.push_back(out);
  }
  return types;
}

int batch_split(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  if (axes[0] == kNoBatch) return kNoBatch;
  return axes[0] == split_axis(inputs[0], attributes) ? kMixesSamples : axes[0];
}

bool view_split(const Call& call) {
  const ArrayView& x = call.inputs[0];
  const int axis = split_axis(x.type(), call.attributes);
  const Ints bounds = boundaries(x.type(), axis, call.attributes);
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i)
    call.outputs[i] = part(x, axis, bounds[i], std::max<std::int64_t>(0, bounds[i + 1] - bounds[i]), 1);
  return true;
}

}  // namespace

const Op slice_op = {.name = "slice",
                     .inputs = {"x"},
                     .infer = infer_slice,
                     .cost = cost_of_view,
                     .batch = batch_slice,
                     .run = run_view<view_slice>,
                     .view = view_slice};

const Op split_op = {.name = "split",
                     .inputs = {"x"},
                     .infer = infer_split,
                     .cost = cost_of_view,
                     .batch = batch_split,
                     .run = run_view<view_split>,
                     .view = view_split};

}  // namespace stretto
