// What the fast kernels of convolution and transposed convolution have in common: a list of taps, each an
// offset into the input and one into the weight. A convolution is one such sum; a transposed one is one for
// each phase of its stride.
#pragma once

#include "base/array_view.h"
#include "kernels/epilogue.h"

namespace stretto {

struct Tap {
  std::int64_t weight;  // offset in w, in elements
  std::int64_t at[3];   // it meets x at output position * stride + at
};

struct Correlation {
  ArrayView x, out;          // (N, C, D, H, W), (N, O, OD, OH, OW)
  const Epilogue* epilogue;  // views of out's shape
  const void* w;             // element (output, input, tap) of group g: see the strides
  std::int64_t w_output, w_input, w_group;
  const Tap* taps;
  int tap_count;
  std::int64_t groups, inputs, outputs;  // channels of one group
  std::int64_t channels;                 // its input channels; `inputs` may count what a step takes at once
  std::int64_t stride[3];
  std::int64_t segment_channels;
  const void* packed = nullptr;  // w in the kernel's layout, or null
};

inline constexpr std::int64_t kManyOutputs = 400;  // of a map: there are vectors, and tiles, enough

// Sums too short to pay for turning tiles of channels round, or too few output channels to fill vectors. Long
// vectors that a few output channels do not fill want a load for each product in the channels kernel. Small
// maps, of `map` outputs, do not fill the vectors of the pixels kernel.
STRETTO_INLINE bool suits_pixels(DType type, std::int64_t inputs, std::int64_t taps, std::int64_t outputs,
                                 std::int64_t map, int vector_bytes) {
  const std::int64_t terms = inputs * taps, lanes = vector_bytes / (type == DType::f64 ? 8 : 4);
  if (vector_bytes == 32) {
    if (map <= lanes + 1 && outputs >= lanes) return false;
    if (taps == 1 && map <= kManyOutputs && (outputs > 32 ? terms >= 64 : terms > 96)) return false;
  }
  const bool is_small = map <= 3 * lanes + 1 && outputs >= lanes && (taps == 1 || terms > 40);
  if (vector_bytes == 64 && type != DType::bf16 && is_small) return false;
  if (terms <= 40 || (terms <= 128 && taps == 1) || (outputs <= 8 && terms <= 512)) return true;
  const std::int64_t most = taps == 1 ? 256 : outputs <= 4 ? 3600 : 1024;
  return vector_bytes == 64 && type != DType::bf16 && outputs * 8 <= lanes * 7 && terms <= most;
}

}  // namespace stretto
