#include "ops/pool_window.h"

#include <string>

#include "ops/shapes.h"

namespace stretto {
namespace {

constexpr std::int64_t kLargest = std::int64_t(1)
                                  << 31;  // of a window's numbers: their products fit in 64 bits

bool is_channels_last(const char* op, const Attributes& attributes, int axes) {
  const std::string layout = attributes.text(op, "layout", axes == 1 ? "NCW" : axes == 2 ? "NCHW" : "NCDHW");
  const std::string space = axes == 1 ? "W" : axes == 2 ? "HW" : "DHW";
  if (layout == "NCHW" || layout == "NC" + space) return false;
  if (layout == "NHWC" || layout == "N" + space + "C") return true;
  throw ShapeError(message(op, ": unknown layout: \"", layout, "\"; it must be \"NCHW\" or \"NHWC\""));
}

void check_rank(const char* op, const ValueType& x, int axes) {
  if (x.shape.count != axes + 2)
    throw ShapeError(message(op, ": wrong number of dimensions: x is ", x.shape, "; it must have ", axes + 2,
                             ": samples, channels and ", axes, " spatial"));
  checked_size(op, x);
}

void check_range(const char* op, const char* name, std::int64_t value, std::int64_t least) {
  if (value < least || value >= kLargest)
    throw ShapeError(message(op, ": ", name, " is out of range: it is ", value, "; it must be ", least,
                             " or more, and below 2^31"));
}

// (before, after) of every axis.
Pairs paddings(const char* op, int axes, const Attributes& attributes, const PoolAxis* axis) {
  const Value* value = attributes.find("padding");
  Pairs pairs(std::size_t(axes), {0, 0});
  if (!value) return pairs;
  if (const auto* given = std::get_if<Pairs>(value)) {
    if (int(given->size()) != axes)
      throw ShapeError(
          message(op, ": wrong number of pairs: padding has ", given->size(), "; it must have ", axes));
    return *given;
  }
  if (const auto* text = std::get_if<std::string>(value)) {
    if (*text != "same" && *text != "valid")
      throw ShapeError(
          message(op, ": unknown padding: \"", *text, "\"; it must be numbers, \"same\" or \"valid\""));
    for (int i = 0; *text == "same" && i < axes; ++i) {  // ONNX SAME_UPPER: ceil(size / stride) outputs
      const std::int64_t outputs = (axis[i].size + axis[i].stride - 1) / axis[i].stride;
      const std::int64_t needed =
          (outputs - 1) * axis[i].stride + (axis[i].window - 1) * axis[i].dilation + 1 - axis[i].size;
      if (needed > 0) pairs[std::size_t(i)] = {needed / 2, needed - needed / 2};
    }
    return pairs;
  }
  const Ints each = attributes.integers(op, "padding", axes, 0);
  for (int i = 0; i < axes; ++i) pairs[std::size_t(i)] = {each[std::size_t(i)], each[std::size_t(i)]};
  return pairs;
}

// As PyTorch counts: in ceil mode a last window may reach beyond the padding, but starts inside x or its
// padding.
void count_outputs(const char* op, PoolAxis& axis, bool ceil_mode) {
  const std::int64_t extent = (axis.window - 1) * axis.dilation + 1;
  if (axis.before < 0 || axis.after < 0 || axis.before > extent / 2 || axis.after > extent / 2)
    throw ShapeError(message(op, ": padding is out of range: it is (", axis.before, ", ", axis.after,
                             "), the window spans ", extent, "; it must be 0 to half of that"));
  const std::int64_t room = axis.size + axis.before + axis.after - extent;
  const std::int64_t steps = room + (ceil_mode ? axis.stride - 1 : 0);
  axis.outputs = steps < 0 ? 0 : steps / axis.stride + 1;
  if (ceil_mode && (axis.outputs - 1) * axis.stride >= axis.size + axis.before) --axis.outputs;
  if (axis.size == 0 || axis.outputs < 1)
    throw ShapeError(message(op, ": the window is larger than the padded input: it spans ", extent,
                             ", the input has ", axis.size, " and padding (", axis.before, ", ", axis.after,
                             "); enlarge the padding or take a smaller kernel_size"));
}

Dims result_shape(const PoolWindow& window, const ValueType& x, int axes) {
  Dims out = x.shape;
  for (int i = 0; i < axes; ++i) out[(window.channels_last ? 1 : 2) + i] = window.axis[3 - axes + i].outputs;
  return out;
}

}  // namespace

PoolWindow pool_window(const char* op, int axes, const ValueType& x, const Attributes& attributes) {
  check_rank(op, x, axes);
  if (!attributes.find("kernel_size"))
    throw ShapeError(message(op, ": kernel_size is missing; pass one number or ", axes));
  const Ints kernel = attributes.integers(op, "kernel_size", axes, 1);
  const Ints stride = attributes.find("stride") ? attributes.integers(op, "stride", axes, 1) : kernel;
  const Ints dilation = attributes.integers(op, "dilation", axes, 1);
  PoolWindow window;
  window.channels_last = is_channels_last(op, attributes, axes);
  window.count_padding = attributes.boolean(op, "count_include_pad", true);
  PoolAxis* axis = window.axis + 3 - axes;
  for (int i = 0; i < axes; ++i) {
    const std::size_t at = std::size_t(i);
    check_range(op, "kernel_size", kernel[at], 1);
    check_range(op, "stride", stride[at], 1);
    check_range(op, "dilation", dilation[at], 1);
    axis[i].size = x.shape[(window.channels_last ? 1 : 2) + i];
    axis[i].window = kernel[at];
    axis[i].stride = stride[at];
    axis[i].dilation = dilation[at];
  }
  const Pairs padding = paddings(op, axes, attributes, axis);
  for (int i = 0; i < axes; ++i) {
    axis[i].before = padding[std::size_t(i)][0];
    axis[i].after = padding[std::size_t(i)][1];
    count_outputs(op, axis[i], attributes.boolean(op, "ceil_mode", false));
  }
  window.out = result_shape(window, x, axes);
  checked_size(op, {x.dtype, window.out});
  return window;
}

PoolWindow global_window(const char* op, const ValueType& x, const Attributes& attributes) {
  if (x.shape.count < 3)
    throw ShapeError(message(op, ": too few dimensions: x is ", x.shape,
                             "; it must have samples, channels and at least one spatial axis"));
  const int axes = x.shape.count - 2;
  checked_size(op, x);
  PoolWindow window;
  window.channels_last = is_channels_last(op, attributes, axes);
  PoolAxis& axis = window.axis[2];
  for (int i = 0; i < axes; ++i) axis.size *= x.shape[(window.channels_last ? 1 : 2) + i];
  if (axis.size == 0)
    throw ShapeError(
        message(op, ": nothing to pool: x is ", x.shape, "; its spatial axes must not be empty"));
  axis.window = axis.stride = axis.size;
  const bool keeps = attributes.boolean(op, "keepdims", true);
  window.out.push(x.shape[0]);
  if (!window.channels_last) window.out.push(x.shape[1]);
  for (int i = 0; keeps && i < axes; ++i) window.out.push(1);
  if (window.channels_last) window.out.push(x.shape.last(0));
  return window;
}

PoolWindow adaptive_window(const char* op, const ValueType& x, const Attributes& attributes) {
  check_rank(op, x, 2);
  const Ints outputs = attributes.integers(op, "output_size", 2, 1);
  PoolWindow window;
  window.channels_last = is_channels_last(op, attributes, 2);
  for (int i = 0; i < 2; ++i) {
    PoolAxis& axis = window.axis[1 + i];
    axis.size = x.shape[(window.channels_last ? 1 : 2) + i];
    axis.outputs = outputs[std::size_t(i)];
    check_range(op, "output_size", axis.outputs, 1);
    if (axis.size == 0)
      throw ShapeError(
          message(op, ": nothing to pool: x is ", x.shape, "; its spatial axes must not be empty"));
    axis.adaptive = axis.size % axis.outputs != 0;
    axis.window = axis.stride = axis.adaptive ? 1 : axis.size / axis.outputs;
  }
  window.out = result_shape(window, x, 2);
  checked_size(op, {x.dtype, window.out});
  return window;
}

ArrayView pool_view(const ArrayView& view, bool channels_last) {
  ArrayView result = view;
  result.packed = nullptr;
  result.shape = result.strides = {};
  const int axes = view.shape.count - 2, first = channels_last ? 1 : 2, c = channels_last ? axes + 1 : 1;
  for (const int d : {0, c}) {
    result.shape.push(view.shape[d]);
    result.strides.push(view.strides[d]);
  }
  for (int i = 0; i < 3; ++i) {
    const bool present = i >= 3 - axes;
    result.shape.push(present ? view.shape[first + i - (3 - axes)] : 1);
    result.strides.push(present ? view.strides[first + i - (3 - axes)] : 0);
  }
  return result;
}

ArrayView global_view(const ArrayView& view, bool channels_last) {
  ArrayView flat = view;
  flat.shape = {};
  const std::int64_t n = view.shape[0], c = channels_last ? view.shape.last(0) : view.shape[1];
  const std::int64_t space = n * c == 0 ? 0 : view.size() / (n * c);
  flat.shape.push(n);
  flat.shape.push(channels_last ? space : c);
  flat.shape.push(channels_last ? c : space);
  flat.strides = contiguous_strides(flat.shape);
  return pool_view(flat, channels_last);
}

int pool_batch(const std::vector<int>& axes) {
  int result = kNoBatch;
  for (const int axis : axes)
    if (axis != kNoBatch) result = axis == 0 ? 0 : kMixesSamples;
  for (const int axis : axes)
    if (axis != result) return kMixesSamples;
  return result;
}

}  // namespace stretto
