// A product of padding and a finite weight is a zero, which changes no sum but -0: so such products are left
// out where the weights are finite, and a tile with a sum of -0 is run again with all of them. The bits are
// those of the full sum.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

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
