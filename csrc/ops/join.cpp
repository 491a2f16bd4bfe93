// concat and pad: arrays put into a larger one.
#include <algorithm>
#include <cmath>
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

ArrayView part(ArrayView view, int axis, std::int64_t start, std::int64_t count) {
  if (count > 0) view.data = view.as<char>() + start * view.strides[axis] * itemsize(view.dtype);
  view.shape[axis] = count;
  return view;
}

// ---- concat ----

int concat_axis(const Types& inputs, const Attributes& attributes) {
  if (inputs.empty()) throw ShapeError("concat: no arrays: arrays is empty; pass at least one");
  return checked_axis("concat", "axis", attributes.integer("concat", "axis", 0), inputs[0].shape.count);
}

Types infer_concat(const Types& inputs, const Attributes& attributes) {
  const int axis = concat_axis(inputs, attributes);
  ValueType out{computation_type("concat", inputs, attributes), inputs[0].shape};
  out.shape[axis] = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Dims with_first = inputs[i].shape;
    if (with_first.count == inputs[0].shape.count) with_first[axis] = inputs[0].shape[axis];
    if (!(with_first == inputs[0].shape))
      throw ShapeError(message("concat: shapes differ: array 0 is ", inputs[0].shape, ", array ", i, " is ",
                               inputs[i].shape, "; they must be equal on all axes but axis ", axis));
    if (__builtin_add_overflow(out.shape[axis], inputs[i].shape[axis], &out.shape[axis]))
      throw ShapeError(
          message("concat: the result is too large: axis ", axis, " overflows; it must fit in memory"));
  }
  checked_size("concat", out);
  return {out};
}

int batch_concat(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  const int axis = concat_axis(inputs, attributes);
  for (std::size_t i = 1; i < inputs.size(); ++i)
    if (axes[i] != axes[0]) return kMixesSamples;
  return axes[0] == axis ? kMixesSamples : axes[0];
}

void run_concat(const Call& call) {
  Types types;
  for (const ArrayView& input : call.inputs) types.push_back(input.type());
  const int axis = concat_axis(types, call.attributes);
  std::int64_t start = 0;
  for (const ArrayView& input : call.inputs) {
    const std::int64_t count = input.shape[axis];
    const ArrayView there = part(call.outputs[0], axis, start, count);
    // A plan has written what it could where it belongs.
    if (input.data != there.data) copy(input, there, call.options.threads);
    start += count;
  }
}

// ---- pad ----

// (before, after) of every axis, from a number, one pair for all axes, or a pair for each.
Pairs pad_widths(const ValueType& x, const Attributes& attributes) {
  const std::size_t count = std::size_t(x.shape.count);
  const Value* value = attributes.find("pad_width");
  if (!value) throw ShapeError("pad: pad_width is missing; pass a number or (before, after) pairs");
  Pairs pairs;
  if (const auto* many = std::get_if<Pairs>(value)) {
    pairs = *many;
    if (pairs.size() == 1) pairs.resize(count, pairs[0]);
  } else {
    const Ints ints = attributes.integers("pad", "pad_width", -1, 0);
    if (ints.size() == 1 || ints.size() == 2) pairs.resize(count, {ints.front(), ints.back()});
  }
  if (pairs.size() != count)
    throw ShapeError(message("pad: wrong number of pairs: pad_width has ", pairs.size(), ", x is ", x.shape,
                             "; pass a number, one (before, after) pair, or ", count, " pairs"));
  for (const auto& [before, after] : pairs)
    if (before < 0 || after < 0)
      throw ShapeError(message("pad: negative padding: (", before, ", ", after, "); it must be 0 or more"));
  return pairs;
}

// The value in x's dtype, in the bytes of `element`.
ArrayView padding_value(DType dtype, const Attributes& attributes, std::uint64_t& element) {
  double number = attributes.number("pad", "value", 0.0);
  std::int64_t integer = 0;
  const Value* value = attributes.find("value");
  const bool is_integer_value = value && std::holds_alternative<std::int64_t>(*value);
  if (is_integer_value) integer = std::get<std::int64_t>(*value);
  const ArrayView to = contiguous_view(&element, dtype, {});
  if (is_floating(dtype)) {
    copy(contiguous_view(&number, DType::f64, {}), to);
    return to;
  }
  const int bits = dtype == DType::boolean ? 1 : 8 * itemsize(dtype);
  const bool is_signed = dtype >= DType::i8 && dtype <= DType::i64;
  const double low = is_signed ? -std::ldexp(1.0, bits - 1) : 0.0,
               high = std::ldexp(1.0, is_signed ? bits - 1 : bits);
  const bool whole = number == std::trunc(number) && number >= low && (number < high || is_integer_value);
  if (!is_integer_value && whole) integer = std::int64_t(number);
  const bool fits = is_integer_value
                        ? number >= low && (bits == 64 || integer < (std::int64_t(1) << (bits - is_signed)))
                        : whole && number < 0x1p63;
  if (!fits)
    throw ShapeError(message("pad: value does not fit the dtype: value is ", number, ", x is ", dtype,
                             "; pass a value of x's dtype or cast x"));
  copy(contiguous_view(&integer, DType::i64, {}), to);
  return to;
}

Types infer_pad(const Types& inputs, const Attributes& attributes) {
  std::uint64_t element = 0;
  padding_value(inputs[0].dtype, attributes, element);
  ValueType out = inputs[0];
  int axis = 0;
  for (const auto& [before, after] : pad_widths(inputs[0], attributes)) {
    std::int64_t& n = out.shape[axis++];
    if (__builtin_add_overflow(n, before, &n) || __builtin_add_overflow(n, after, &n))
      throw ShapeError(
          message("pad: padding is too large: (", before, ", ", after, "); the result must fit in memory"));
  }
  checked_size("pad", out);
  return {out};
}

int batch_pad(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes) {
  if (axes[0] == kNoBatch) return kNoBatch;
  const auto [before, after] = pad_widths(inputs[0], attributes)[std::size_t(axes[0])];
  return before == 0 && after == 0 ? axes[0] : kMixesSamples;
}

void run_pad(const Call& call) {
  const ArrayView& x = call.inputs[0];
  std::uint64_t element = 0;
  const ArrayView value = padding_value(x.dtype, call.attributes, element);
  const auto fill = [&](const ArrayView& region) {
    if (region.size() > 0) copy(broadcast_to(value, region.shape), region, call.options.threads);
  };
  ArrayView inner = call.outputs[0];
  int axis = 0;
  for (const auto& [before, after] : pad_widths(x.type(), call.attributes)) {
    const std::int64_t n = x.shape[axis];
    fill(part(inner, axis, 0, before));
    fill(part(inner, axis, before + n, after));
    inner = part(inner, axis, before, n);
    ++axis;
  }
  copy(x, inner, call.options.threads);
}

}  // namespace

const Op concat_op = {.name = "concat",
                      .inputs = {"values*"},
                      .infer = infer_concat,
                      .cost = cost,
                      .batch = batch_concat,
                      .run = run_concat};

const Op pad_op = {
    .name = "pad", .inputs = {"x"}, .infer = infer_pad, .cost = cost, .batch = batch_pad, .run = run_pad};

}  // namespace stretto
