// reshape, flatten, transpose, slice, split: other views of the same elements.
#include <limits>

#include "kernels/copy/copy.h"
#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/shapes.h"

namespace stretto {
namespace {

Cost cost(const Types& inputs, const Types& outputs, const Attributes&) {
  return {0, bytes_moved(inputs, outputs)};
}

// ---- reshape and flatten ----

Dims asked_shape(const ValueType& x, const Attributes& attributes) {
  const Ints asked = attributes.integers("reshape", "shape", -1, 0);
  const std::int64_t size = checked_size("reshape", x);
  if (asked.size() > kMaxDims)
    throw ShapeError(message("reshape: too many dimensions: ", asked.size(), "; at most ", kMaxDims));
  Dims shape;
  int unknown = -1;
  std::int64_t known = 1;
  bool overflows = false;
  for (const std::int64_t n : asked) {
    if (n < -1 || (n == -1 && unknown >= 0))
      throw ShapeError(message("reshape: malformed shape: entry ", shape.count, " is ", n,
                               "; entries are sizes, and at most one may be -1"));
    if (n == -1) unknown = shape.count;
    if (n != -1) overflows |= __builtin_mul_overflow(known, n, &known);
    shape.push(n == -1 ? 1 : n);
  }
  const bool divides = unknown >= 0 && known > 0 && size % known == 0;
  if (overflows || (unknown >= 0 ? !divides : known != size)) {
    if (unknown >= 0) shape[unknown] = -1;
    throw ShapeError(message("reshape: sizes differ: x is ", x.shape, " with ", size, " elements, shape is ",
                             shape, "; the products must be equal"));
  }
  if (unknown >= 0) shape[unknown] = size / known;
  return shape;
}

Dims flat_shape(const ValueType& x, const Attributes& attributes) {
  const std::int64_t start = attributes.integer("flatten", "start_axis", 1);
  checked_size("flatten", x);
  const int axis =
      start == x.shape.count ? int(start) : checked_axis("flatten", "start_axis", start, x.shape.count);
  Dims shape;
  std::int64_t rest = 1;
  for (int d = 0; d < x.shape.count; ++d) {
    if (d < axis)
      shape.push(x.shape[d]);
    else
      rest *= x.shape[d];
  }
  if (shape.count == kMaxDims)
    throw ShapeError(
        message("flatten: too many dimensions: x is ", x.shape, "; the result may have ", kMaxDims));
  shape.push(rest);
  return shape;
}

Types infer_reshape(const Types& inputs, const Attributes& attributes) {
  return {{inputs[0].dtype, asked_shape(inputs[0], attributes)}};
}

Types infer_flatten(const Types& inputs, const Attributes& attributes) {
  return {{inputs[0].dtype, flat_shape(inputs[0], attributes)}};
}

// The batch stays an axis of its own where as many elements come before it as before; the -1 must stand for
// it, since other numbers are the same for every batch.
int batch_reshape(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  if (axes[0] == kNoBatch) return kNoBatch;
  const Ints asked = attributes.integers("reshape", "shape", -1, 0);
  const Dims& from = inputs[0].shape;
  const Dims to = asked_shape(inputs[0], attributes);
  std::int64_t before = 1, after = 1, so_far = 1;
  for (int d = 0; d < axes[0]; ++d) before *= from[d];
  for (int d = axes[0] + 1; d < from.count; ++d) after *= from[d];
  for (int d = 0; d < to.count; ++d) {
    std::int64_t rest = 1;
    for (int e = d + 1; e < to.count; ++e) rest *= to[e];
    if (asked[std::size_t(d)] == -1) return so_far == before && rest == after ? d : kMixesSamples;
    so_far *= to[d];
  }
  return kMixesSamples;
}

int batch_flatten(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  if (axes[0] == kNoBatch) return kNoBatch;
  const int flat_axes = flat_shape(inputs[0], attributes).count - 1;
  const bool alone = axes[0] == flat_axes && axes[0] == inputs[0].shape.count - 1;
  return axes[0] < flat_axes || alone ? axes[0] : kMixesSamples;
}

bool view_reshape(const Call& call) {
  const Dims shape = call.outputs[0].shape;
  return reshaped(call.inputs[0], shape, call.outputs[0]);
}

void run_reshape(const Call& call) {
  const ArrayView &x = call.inputs[0], &out = call.outputs[0];
  ArrayView turned;
  if (reshaped(x, out.shape, turned)) return copy(turned, out, call.options.threads);
  if (reshaped(out, x.shape, turned)) return copy(x, turned, call.options.threads);
  const Converted flat = Converted::contiguous(x, x.dtype);
  reshaped(flat.view(), out.shape, turned);
  copy(turned, out, call.options.threads);
}

// ---- transpose ----

std::vector<int> permutation(const ValueType& x, const Attributes& attributes) {
  std::vector<int> axes;
  if (!attributes.find("axes")) {
    for (int d = x.shape.count - 1; d >= 0; --d) axes.push_back(d);
    return axes;
  }
  const Ints asked = attributes.integers("transpose", "axes", -1, 0);
  bool seen[kMaxDims] = {};
  for (const std::int64_t axis : asked) {
    const int d = checked_axis("transpose", "axes", axis, x.shape.count);
    if (seen[d])
      throw ShapeError(message("transpose: repeated axis: ", axis, "; axes must be a permutation"));
    seen[d] = true;
    axes.push_back(d);
  }
  if (int(axes.size()) != x.shape.count)
    throw ShapeError(message("transpose: wrong number of axes: axes has ", axes.size(), ", x is ", x.shape,
                             "; there must be ", x.shape.count));
  return axes;
}

Types infer_transpose(const Types& inputs, const Attributes& attributes) {
  checked_size("transpose", inputs[0]);
  ValueType out{inputs[0].dtype, {}};
  for (const int d : permutation(inputs[0], attributes)) out.shape.push(inputs[0].shape[d]);
  return {out};
}

int batch_transpose(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  if (axes[0] == kNoBatch) return kNoBatch;
  const std::vector<int> order = permutation(inputs[0], attributes);
  for (int d = 0; d < int(order.size()); ++d)
    if (order[std::size_t(d)] == axes[0]) return d;
  return kMixesSamples;
}

bool view_transpose(const Call& call) {
  const ArrayView& x = call.inputs[0];
  ArrayView view = x;
  view.packed = nullptr;
  int to = 0;
  for (const int d : permutation(x.type(), call.attributes)) {
    view.shape[to] = x.shape[d];
    view.strides[to++] = x.strides[d];
  }
  call.outputs[0] = view;
  return true;
}

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

// Outputs that are views, copied to where they are wanted.
template <bool (*view)(const Call&)>
void run_view(const Call& call) {
  std::vector<ArrayView> views(call.outputs.begin(), call.outputs.end());
  view({call.inputs, views, call.attributes, call.options});
  for (std::size_t i = 0; i < views.size(); ++i) copy(views[i], call.outputs[i], call.options.threads);
}

}  // namespace

const Op reshape_op = {.name = "reshape",
                       .inputs = {"x"},
                       .infer = infer_reshape,
                       .cost = cost,
                       .batch = batch_reshape,
                       .run = run_reshape,
                       .view = view_reshape};

const Op flatten_op = {.name = "flatten",
                       .inputs = {"x"},
                       .infer = infer_flatten,
                       .cost = cost,
                       .batch = batch_flatten,
                       .run = run_reshape,
                       .view = view_reshape};

const Op transpose_op = {.name = "transpose",
                         .inputs = {"x"},
                         .infer = infer_transpose,
                         .cost = cost,
                         .batch = batch_transpose,
                         .run = run_view<view_transpose>,
                         .view = view_transpose};

const Op slice_op = {.name = "slice",
                     .inputs = {"x"},
                     .infer = infer_slice,
                     .cost = cost,
                     .batch = batch_slice,
                     .run = run_view<view_slice>,
                     .view = view_slice};

const Op split_op = {.name = "split",
                     .inputs = {"x"},
                     .infer = infer_split,
                     .cost = cost,
                     .batch = batch_split,
                     .run = run_view<view_split>,
                     .view = view_split};

}  // namespace stretto
