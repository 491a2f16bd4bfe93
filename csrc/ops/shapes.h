// Checks and arithmetic of shapes and axes that several ops share.
#pragma once

#include <cstdint>

#include "ops/op.h"

namespace stretto {

// The axis counted from the front, for an axis in [-ndim, ndim). Throws ShapeError naming `what`.
int checked_axis(const char* op, const char* what, std::int64_t axis, int ndim);

// The number of elements. Throws ShapeError when they or their bytes are more than memory can hold.
std::int64_t checked_size(const char* op, const ValueType& type);

// Bytes of the present inputs and of the outputs, each once.
double bytes_moved(const Types& inputs, const Types& outputs);

// A view of the same elements in C order with another shape of equal size; false when the strides do not
// allow it.
bool reshaped(const ArrayView& view, const Dims& shape, ArrayView& result);

}  // namespace stretto
