// Gradients of pooling, scattered from the outputs in C order onto dx, which starts at +0:
//
//   max:      dx[n,c,p] += grad[n,c,o]  for the first tap p of o, in C order of the window, that is NaN, or
//   else
//             that is the largest; an output without taps inside x has none
//   average:  dx[n,c,p] += grad[n,c,o] / count(o)  for every tap p of o inside x
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/pool_axis.h"

namespace stretto {

enum class PoolGradientKind { max, average };

struct PoolGradientArgs {
  PoolGradientKind kind;
  // (n, c, d, h, w), C-contiguous in that order, or in the order (n, d, h, w, c) when channels_last;
  // float32 or float64. Of an average x is absent.
  ArrayView grad, x, dx;
  PoolAxis axis[3];
  bool count_padding = false;
  bool channels_last = false;
};

struct PoolGradientVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const PoolGradientArgs&);
  void (*run)(const PoolGradientArgs&, int threads);
};

const PoolGradientVariant& select_pool_gradient(const PoolGradientArgs& args, const Machine& machine,
                                                const char* forced);

}  // namespace stretto
