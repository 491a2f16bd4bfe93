#include "ops/axes.h"

#include "ops/shapes.h"

namespace stretto {

Axes::Axes(const char* op, const Attributes& attributes, int ndim) {
  if (!attributes.find("axis")) {
    count = ndim;
    for (int d = 0; d < ndim; ++d) reduced[d] = true;
    return;
  }
  for (const std::int64_t axis : attributes.integers(op, "axis", -1, 0)) {
    const int d = checked_axis(op, "axis", axis, ndim);
    if (reduced[d])
      throw ShapeError(message(op, ": axis is repeated: axis ", axis, "; each axis may be named once"));
    reduced[d] = true;
    ++count;
  }
}

Dims Axes::kept(const Dims& dims, bool keep_as_one) const {
  Dims result;
  for (int d = 0; d < dims.count; ++d) {
    if (!reduced[d])
      result.push(dims[d]);
    else if (keep_as_one)
      result.push(1);
  }
  return result;
}

ArrayView Axes::kept_then_reduced(const ArrayView& view) const {
  ArrayView result = view;
  result.shape.count = result.strides.count = 0;
  for (const bool wanted : {false, true}) {
    for (int d = 0; d < view.shape.count; ++d) {
      if (reduced[d] != wanted) continue;
      result.shape.push(view.shape[d]);
      result.strides.push(view.strides[d]);
    }
  }
  return result;
}

}  // namespace stretto
