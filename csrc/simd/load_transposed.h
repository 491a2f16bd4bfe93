// A block of memory as its columns.
#pragma once

#include <cstdint>
#include <type_traits>

#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// Terms of a block, which on AVX2 leave registers for sums.
#if defined(__AVX2__) && !defined(__AVX512F__)
template <class T>
inline constexpr int kTransposedTerms = 4;
#else
template <class T>
inline constexpr int kTransposedTerms = Vec<T>::lanes;
#endif

// row[p] lane i = from[i * step + p] for p < kTransposedTerms.
template <class T>
STRETTO_INLINE void load_transposed(const T* from, std::int64_t step, Vec<T> (&row)[kTransposedTerms<T>]) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {
    __m256 a[4];  // halves are put together as they are loaded
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      a[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + i * step)),
                                  _mm_loadu_ps(from + (i + 4) * step), 1);
    const __m256 b = _mm256_unpacklo_ps(a[0], a[1]), c = _mm256_unpackhi_ps(a[0], a[1]);
    const __m256 d = _mm256_unpacklo_ps(a[2], a[3]), e = _mm256_unpackhi_ps(a[2], a[3]);
    row[0].v = _mm256_shuffle_ps(b, d, 0x44);
    row[1].v = _mm256_shuffle_ps(b, d, 0xee);
    row[2].v = _mm256_shuffle_ps(c, e, 0x44);
    row[3].v = _mm256_shuffle_ps(c, e, 0xee);
    return;
  } else
#endif
  {
    static_assert(kTransposedTerms<T> == Vec<T>::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Vec<T>::lanes; ++i) row[i] = Vec<T>::load(from + i * step);
    transpose(row);
  }
}

}  // namespace stretto::STRETTO_ISA
