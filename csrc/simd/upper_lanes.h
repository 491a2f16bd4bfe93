// The upper of the first 2 h lanes of a vector, moved to the lanes below them.
#pragma once

#include <type_traits>

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// Lane i < h of the result is lane h + i of x; the lanes from h on hold anything.
template <int h, class V>
STRETTO_INLINE V upper_lanes(V x) {
  using T = typename V::scalar;
  static_assert(2 * h <= V::lanes);
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float> && h >= 4)
    return {_mm512_shuffle_f32x4(x.v, x.v, h == 8 ? 0x0e : 0x01)};
  if constexpr (std::is_same_v<T, float> && h < 4) return {_mm512_permute_ps(x.v, h == 2 ? 0x0e : 0x01)};
  if constexpr (std::is_same_v<T, double> && h >= 2)
    return {_mm512_shuffle_f64x2(x.v, x.v, h == 4 ? 0x0e : 0x01)};
  if constexpr (std::is_same_v<T, double> && h == 1) return {_mm512_permute_pd(x.v, 0x55)};
#elif defined(__AVX2__)
  if constexpr (std::is_same_v<T, float> && h == 4) return {_mm256_permute2f128_ps(x.v, x.v, 0x01)};
  if constexpr (std::is_same_v<T, float> && h < 4) return {_mm256_permute_ps(x.v, h == 2 ? 0x0e : 0x01)};
  if constexpr (std::is_same_v<T, double> && h == 2) return {_mm256_permute2f128_pd(x.v, x.v, 0x01)};
  if constexpr (std::is_same_v<T, double> && h == 1) return {_mm256_permute_pd(x.v, 0x5)};
#else
  T lane[V::lanes];
  x.store(lane);
  for (int i = 0; i < h; ++i) lane[i] = lane[h + i];
  return V::load(lane);
#endif
}

}  // namespace stretto::STRETTO_ISA
