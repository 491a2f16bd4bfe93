// Transposed convolution, which is also the input gradient of convolution; groups apart:
//
//   out[n,o,p] = epilogue( dot over k = (c, t) of  w[c,o,t] * x[n, c, (p + before - t * dilation) / stride] )
//
// c runs over the group's channels of x, t over the taps (kd, kh, kw) in index order, not flipped. A tap
// whose division leaves a remainder does not exist; one that falls outside of x meets +0. Segments of the dot
// hold max(1, 4096 / all taps) whole channels (docs/numerics.md). Always three spatial axes; of 1-d and 2-d
// ones the first have size 1. Any strides. out must not overlap the inputs and is not read.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/conv/conv.h"
#include "kernels/epilogue.h"

namespace stretto {

struct ConvTransposeArgs {
  // Shapes (N, C, D, H, W), (C, O / groups, KD, KH, KW), (N, O, OD, OH, OW); one dtype, out may be float32
  // for 16-bit inputs.
  ArrayView x, w, out;
  Epilogue epilogue;  // views of out's shape
  std::int64_t stride[kSpatial] = {1, 1, 1}, dilation[kSpatial] = {1, 1, 1};
  std::int64_t before[kSpatial] = {0, 0, 0};
  std::int64_t groups = 1;
  bool channels_last = false;    // the layout that was asked for: the channels lie together
  const void* packed = nullptr;  // w in the layout of the variant that runs, or null

  STRETTO_INLINE std::int64_t group_inputs() const { return w.shape[0] / groups; }
  STRETTO_INLINE std::int64_t group_outputs() const { return w.shape[1]; }
  STRETTO_INLINE std::int64_t taps() const { return w.shape[2] * w.shape[3] * w.shape[4]; }
  STRETTO_INLINE std::int64_t segment_channels() const { return taps() < kSegment ? kSegment / taps() : 1; }
};

struct ConvTransposeVariant {
  const char* name;  // appears in tests, benches and timelines
  Arch arch;
  bool (*fits)(const ConvTransposeArgs&);
  void (*run)(const ConvTransposeArgs&, int threads);
  // Bytes of the packed weight, and packing it; null where the kernel reads w as it is. The packed weight
  // serves every x and out that has outputs in all phases of the stride.
  std::int64_t (*packed_bytes)(const ConvTransposeArgs&);
  void (*pack)(const ConvTransposeArgs&, void* packed);
};

// Pure: pass a machine to ask what another one would run.
const ConvTransposeVariant& select_conv_transpose(const ConvTransposeArgs& args, const Machine& machine,
                                                  const char* forced);

}  // namespace stretto
