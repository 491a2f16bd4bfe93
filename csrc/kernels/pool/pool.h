// Pooling over windows of up to three axes:
//
//   max:      out[n,c,o] = the largest x[n,c,p] over the taps p of o inside x; NaN wins; a zero is +0;
//             no tap inside: -inf, or the smallest integer
//   average:  out[n,c,o] = sum(x[n,c,p] over the taps p of o) / count
//
// The sum is the contract's (16 stripes, segments of 4096) over all taps in C order of the window; a tap
// outside x counts as +0 in its place. count is the number of taps inside x or, with count_padding, of those
// inside the padded x; an average of nothing is +0.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/pool_axis.h"

namespace stretto {

enum class PoolKind { max, average };

struct PoolArgs {
  PoolKind kind;
  ArrayView x, out;  // (n, c, d, h, w) of one dtype: float32, float64, or an integer for max
  PoolAxis axis[3];
  bool count_padding = false;
  bool channels_last = false;  // whether c or w has adjacent elements, in x and out
};

struct PoolVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const PoolArgs&);
  void (*run)(const PoolArgs&, int threads);
};

const PoolVariant& select_pool(const PoolArgs& args, const Machine& machine, const char* forced);

}  // namespace stretto
