// One axis of a phase of the transposed convolution: outputs that lie `stride` apart meet the same taps.
#pragma once

#include "kernels/conv/conv_transpose.h"

namespace stretto {

struct PhaseAxis {
  std::int64_t outputs, taps, first_tap, tap_step, position, position_step;

  PhaseAxis(const ConvTransposeArgs& args, int d, std::int64_t phase) {
    const std::int64_t stride = args.stride[d], dilation = args.dilation[d], kernel = args.w.shape[2 + d];
    outputs = (args.out.shape[2 + d] - phase + stride - 1) / stride;
    taps = first_tap = tap_step = position = position_step = 0;
    for (std::int64_t t = 0; t < kernel; ++t) {
      const std::int64_t scaled = phase + args.before[d] - t * dilation;
      if (scaled % stride != 0) continue;
      if (taps == 0) {
        first_tap = t;
        position = scaled / stride;
      } else if (taps == 1) {
        tap_step = t - first_tap;
        position_step = scaled / stride - position;
      }
      ++taps;
    }
  }
};

// Calls use(phase) for every phase of the stride.
template <class F>
void each_phase(const ConvTransposeArgs& args, F&& use) {
  std::int64_t phase[kSpatial];
  for (phase[0] = 0; phase[0] < args.stride[0]; ++phase[0])
    for (phase[1] = 0; phase[1] < args.stride[1]; ++phase[1])
      for (phase[2] = 0; phase[2] < args.stride[2]; ++phase[2]) use(phase);
}

}  // namespace stretto
