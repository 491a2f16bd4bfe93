// Gradient of a convolution with respect to its weight; groups apart:
//
//   g[j][o,c,t] = dot over k = (n, p), n in grain j, of  grad[n,o,p] * x[n, c, p * stride + t * dilation -
//   before] out = the grains' gradients summed level by level, t[i] = t[2i] + t[2i+1], an odd last one moving
//   up
//
// A grain is `grain` consecutive samples. p runs over output positions in C order; x is +0 outside of its
// extent and takes part. Segments of the dot are 4096 consecutive k. Always three spatial axes. Any strides;
// out must not overlap the inputs and is not read.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/conv/conv.h"

namespace stretto {

struct ConvWeightGradientArgs {
  // Shapes (N, C, D, H, W), (N, O, OD, OH, OW), (O, C / groups, KD, KH, KW); one dtype, out may be float32
  // for 16-bit inputs. No grains (N = 0): out is +0.
  ArrayView x, grad, out;
  std::int64_t stride[kSpatial] = {1, 1, 1}, dilation[kSpatial] = {1, 1, 1};
  std::int64_t before[kSpatial] = {0, 0, 0};
  std::int64_t groups = 1;
  std::int64_t grain = 8;

  STRETTO_INLINE std::int64_t grains() const { return (x.shape[0] + grain - 1) / grain; }
};

struct ConvWeightGradientVariant {
  const char* name;  // appears in tests, benches and timelines
  Arch arch;
  bool (*fits)(const ConvWeightGradientArgs&);
  void (*run)(const ConvWeightGradientArgs&, int threads);
};

// Pure: pass a machine to ask what another one would run.
const ConvWeightGradientVariant& select_conv_weight_gradient(const ConvWeightGradientArgs& args,
                                                             const Machine& machine, const char* forced);

}  // namespace stretto
