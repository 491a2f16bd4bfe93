// Convolutions whose input is read where it lies, without a strip.
#pragma once

#include "base/counts.h"
#include "kernels/conv/correlation.h"

namespace stretto::STRETTO_ISA {

// How far from an output's element of x a tap reads.
STRETTO_INLINE std::int64_t offset_in_x(const Correlation& c, const Tap& tap) {
  return tap.at[0] * c.x.strides.at[2] + tap.at[1] * c.x.strides.at[3] + tap.at[2] * c.x.strides.at[4];
}

// Whether tiles can read x where it lies: outputs meet no padding and, unless a tile `spreads`, neighbours
// meet neighbouring elements. Channels that meet in one set of the first cache are better copied.
template <class T>
STRETTO_INLINE bool can_read_x(const Correlation& c, bool spreads) {
  if (c.x.strides.at[1] * std::int64_t(sizeof(T)) % 4096 == 0) return false;
  if (!spreads && (c.stride[2] != 1 || c.x.strides.at[4] != 1)) return false;
  constexpr std::int64_t kFar = std::int64_t(1) << 30;  // places are numbers of 32 bits (term_lists.h)
  const auto is_far = [](std::int64_t distance) { return distance >= kFar || distance <= -kFar; };
  if (is_far(c.inputs * c.x.strides.at[1])) return false;
  for (int t = 0; t < c.tap_count; ++t) {
    if (is_far(offset_in_x(c, c.taps[t]))) return false;
    for (int d = 0; d < 3; ++d) {
      const std::int64_t first = c.taps[t].at[d], last = first + (c.out.shape.at[2 + d] - 1) * c.stride[d];
      if (first < 0 || last >= c.x.shape.at[2 + d]) return false;
    }
  }
  return true;
}

// The element of a channel that the tap at 0 meets for output (od, oh, ow).
STRETTO_INLINE std::int64_t place_in_x(const Correlation& c, std::int64_t od, std::int64_t oh,
                                       std::int64_t ow) {
  return od * c.stride[0] * c.x.strides.at[2] + oh * c.stride[1] * c.x.strides.at[3] +
         ow * c.stride[2] * c.x.strides.at[4];
}

}  // namespace stretto::STRETTO_ISA
