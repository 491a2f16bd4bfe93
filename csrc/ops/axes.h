// The axes that a reduction runs over.
#pragma once

#include "ops/op.h"

namespace stretto {

struct Axes {
  bool reduced[kMaxDims] = {};
  int count = 0;

  // The attribute `axis`: absent for all axes, an axis, or a tuple of them without repetition. Throws
  // ShapeError.
  Axes(const char* op, const Attributes& attributes, int ndim);

  Dims kept(const Dims& dims, bool keep_as_one) const;  // of a shape, or of strides
  ArrayView kept_then_reduced(const ArrayView& view) const;
};

}  // namespace stretto
