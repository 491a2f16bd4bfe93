// Which of a tile's outputs a tap serves: for those beyond, it meets padding. A product of padding and a
// finite weight is a zero, which changes no sum but -0: so such products are left out where the weights are
// finite, and a tile with a sum of -0 is run again with all of them. The bits are those of the full sum.
#pragma once

#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

enum class Reach : std::uint8_t { all, but_first, but_first_two, but_last, but_last_two, none };

// Of one tap, for `outputs` outputs of a row from (od, oh, ow) on. Products of padding beyond two, or at the
// other end too, are formed.
STRETTO_INLINE Reach reach_of(const Correlation& c, const Tap& tap, std::int64_t od, std::int64_t oh,
                              std::int64_t ow, std::int64_t outputs) {
  const std::int64_t depth = od * c.stride[0] + tap.at[0], row = oh * c.stride[1] + tap.at[1];
  if (depth < 0 || depth >= c.x.shape.at[2] || row < 0 || row >= c.x.shape.at[3]) return Reach::none;
  std::int64_t low, high;
  clip(ow * c.stride[2] + tap.at[2], c.stride[2], c.x.shape.at[4], outputs, low, high);
  if (low >= high) return Reach::none;
  if (low > 0 && low >= outputs - high) return low == 1 ? Reach::but_first : Reach::but_first_two;
  if (high < outputs) return outputs - high == 1 ? Reach::but_last : Reach::but_last_two;
  return Reach::all;
}

// Whether any sum is -0. Zeros are rare, where outputs fill the vectors: they are looked for first.
template <class T, int V, int P>
STRETTO_INLINE bool has_negative_zero(const Vec<T> (&acc)[P][V]) {
  const Vec<T> zero = Vec<T>::zero();
  auto any = Vec<T>::none();
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) any = Vec<T>::either(any, equal(acc[p][v], zero));
  if (Vec<T>::bitmask(any) == 0) return false;
  auto signs = bits(zero);
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) signs = signs | bits(select(equal(acc[p][v], zero), acc[p][v], zero));
  return Vec<T>::bitmask(less(zero, from_bits(shift_right<1>(signs)))) != 0;
}

}  // namespace stretto::STRETTO_ISA
