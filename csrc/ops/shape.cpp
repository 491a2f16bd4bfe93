// reshape, flatten, transpose: other views of the same elements.
#include "kernels/copy/copy.h"
#include "ops/arguments.h"
#include "ops/ops.h"
#include "ops/shapes.h"
#include "ops/view.h"

namespace stretto {
namespace {

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

}  // namespace

const Op reshape_op = {.name = "reshape",
                       .inputs = {"x"},
                       .infer = infer_reshape,
                       .cost = cost_of_view,
                       .batch = batch_reshape,
                       .run = run_reshape,
                       .view = view_reshape};

const Op flatten_op = {.name = "flatten",
                       .inputs = {"x"},
                       .infer = infer_flatten,
                       .cost = cost_of_view,
                       .batch = batch_flatten,
                       .run = run_reshape,
                       .view = view_reshape};

const Op transpose_op = {.name = "transpose",
                         .inputs = {"x"},
                         .infer = infer_transpose,
                         .cost = cost_of_view,
                         .batch = batch_transpose,
                         .run = run_view<view_transpose>,
                         .view = view_transpose};

}  // namespace stretto
