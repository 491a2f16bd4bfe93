// Convolution (cross-correlation), groups apart:
//
//   out[n,o,p] = epilogue( dot over k = (c, t) of  w[o,c,t] * x[n, c, p * stride + t * dilation - before] )
//
// c runs over the group's input channels, t over the taps (kd, kh, kw) in C order; x is +0 outside of its
// extent and takes part in the sum there. Segments of the dot hold whole channels (docs/numerics.md).
// Always three spatial axes; of 1-d and 2-d convolutions the first ones have size 1. Any strides: the layout
// NHWC is a view with the axes back in this order. out must not overlap the inputs and is not read.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/epilogue.h"
#include "kernels/precision.h"
#include "kernels/segment.h"

namespace stretto {

inline constexpr int kSpatial = 3;

// So many taps that a strip of one channel and a few outputs fits into the scratch memory of a thread.
inline constexpr std::int64_t kMostTaps = 8192;

struct ConvArgs {
  // Shapes (N, C, D, H, W), (O, C / groups, KD, KH, KW), (N, O, OD, OH, OW); x and w have one dtype, out has
  // it too, or float32 for 16-bit floats. Or out is int32, x and w being int16, or int8 and uint8 in any
  // combination.
  ArrayView x, w, out;
  Epilogue epilogue;  // views of out's shape
  std::int64_t stride[kSpatial] = {1, 1, 1}, dilation[kSpatial] = {1, 1, 1};
  std::int64_t before[kSpatial] = {0, 0, 0};  // padding in front; behind, it follows from out's shape
  std::int64_t groups = 1;
  Precision precision = Precision::highest;  // of float32
  bool channels_last = false;                // the layout that was asked for: x's channels lie together
  const void* packed = nullptr;              // w in the layout of the variant that runs, or null

  STRETTO_INLINE std::int64_t group_inputs() const { return w.shape[1]; }
  STRETTO_INLINE std::int64_t group_outputs() const { return w.shape[0] / groups; }
  STRETTO_INLINE std::int64_t taps() const { return w.shape[2] * w.shape[3] * w.shape[4]; }
  // The outputs of one channel of a sample.
  STRETTO_INLINE std::int64_t map() const { return out.shape[2] * out.shape[3] * out.shape[4]; }
  STRETTO_INLINE std::int64_t segment_channels() const { return taps() < kSegment ? kSegment / taps() : 1; }
};

struct ConvVariant {
  const char* name;  // appears in tests, benches and timelines
  Arch arch;
  // Looks at dtypes, w's shape, groups, options and map(), never at x's strides: a weight is packed before x
  // is known, for maps of one output and of many.
  bool (*fits)(const ConvArgs&);
  void (*run)(const ConvArgs&, int threads);
  // Bytes of the packed weight, and packing it; null where the kernel reads w as it is.
  std::int64_t (*packed_bytes)(const ConvArgs&);
  void (*pack)(const ConvArgs&, void* packed);
};

// Pure: pass a machine to ask what another one would run.
const ConvVariant& select_conv(const ConvArgs& args, const Machine& machine, const char* forced);

}  // namespace stretto
