// Elements chosen by index along one axis, and the scatter-add that is its gradient:
//
//   take:           out[o, k, i] = x[o, indices[k], i]
//   take_gradient:  dx[o, j, i] = sum over the k with indices[k] == j, increasing, of grad[o, k, i]
//
// Bits are moved, or added in index order from +0: one kernel for every machine.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

// Contiguous (outer, length, inner) and (outer, count, inner); indices are in [0, length). On a device, where
// nobody has looked at them, they are any: a negative one counts from the end, and what is out of range takes
// zero bits, or adds nothing.
struct TakeArgs {
  const void* from;  // x, or grad
  void* to;          // out, or dx
  const std::int64_t* indices;
  DType dtype;
  std::int64_t outer, length, count, inner;
};

void take(const TakeArgs& args, int threads);
void take_gradient(const TakeArgs& args, int threads);  // float32 or float64

}  // namespace stretto
