#include "ops/shapes.h"

#include <algorithm>

namespace stretto {

int checked_axis(const char* op, const char* what, std::int64_t axis, int ndim) {
  if (axis < -ndim || axis >= ndim)
    throw ShapeError(message(op, ": ", what, " is out of range: ", what, " is ", axis, ", the array has ",
                             ndim, " dimensions; it must be ", -ndim, " to ", ndim - 1));
  return int(axis < 0 ? axis + ndim : axis);
}

std::int64_t checked_size(const char* op, const ValueType& type) {
  std::int64_t size = 1;
  for (const std::int64_t n : type.shape)
    if (n == 0) return 0;
  for (const std::int64_t n : type.shape)
    if (__builtin_mul_overflow(size, n, &size) ||
        size > (std::int64_t(1) << 47) / std::max(1, itemsize(type.dtype)))
      throw ShapeError(
          message(op, ": the result is too large: its shape is ", type.shape, "; it must fit in memory"));
  return size;
}

double bytes_moved(const Types& inputs, const Types& outputs) {
  double bytes = 0;
  for (const Types* types : {&inputs, &outputs}) {
    for (const ValueType& type : *types) {
      double size = itemsize(type.dtype);
      for (const std::int64_t n : type.shape) size *= double(n);
      bytes += size;
    }
  }
  return bytes;
}

bool reshaped(const ArrayView& view, const Dims& shape, ArrayView& result) {
  result = view;
  result.packed = nullptr;
  result.shape = shape;
  result.strides = contiguous_strides(shape);
  if (view.size() == 0 || is_contiguous(view)) return true;
  Dims old_shape, old_strides;  // without axes of one element
  for (int d = 0; d < view.shape.count; ++d) {
    if (view.shape[d] == 1) continue;
    old_shape.push(view.shape[d]);
    old_strides.push(view.strides[d]);
  }
  // Pairs off the smallest groups of old and new axes with equal products; a group of old axes must be one
  // run.
  int o = 0, n = 0;
  while (o < old_shape.count) {
    int o_end = o + 1, n_end = n;
    std::int64_t old_size = old_shape[o], new_size = 1;
    while (old_size != new_size) {
      if (new_size < old_size)
        new_size *= shape[n_end++];
      else
        old_size *= old_shape[o_end++];
    }
    for (int d = o; d + 1 < o_end; ++d)
      if (old_strides[d] != old_strides[d + 1] * old_shape[d + 1]) return false;
    std::int64_t step = old_strides[o_end - 1];
    for (int d = n_end - 1; d >= n; --d) {
      result.strides[d] = step;
      step *= shape[d];
    }
    o = o_end;
    n = n_end;
  }
  return true;
}

}  // namespace stretto
