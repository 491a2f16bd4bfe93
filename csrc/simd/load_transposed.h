// A square block of memory as its columns.
#pragma once

#include <type_traits>

#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// row[p] lane i = from[i * step + p].
template <class T>
STRETTO_INLINE void load_transposed(const T* from, std::int64_t step, Vec<T> (&row)[Vec<T>::lanes]) {
  constexpr int lanes = Vec<T>::lanes;
#if defined(__AVX2__) && !defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>) {  // halves are put together as they are loaded
    __m256 a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half)
        a[4 * half + i] =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + i * step + 4 * half)),
                                 _mm_loadu_ps(from + (i + 4) * step + 4 * half), 1);
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
      b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
      b[i + 2] = _mm256_unpacklo_ps(a[i + 2], a[i + 3]);
      b[i + 3] = _mm256_unpackhi_ps(a[i + 2], a[i + 3]);
      row[i].v = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
      row[i + 1].v = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
      row[i + 2].v = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
      row[i + 3].v = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    return;
  }
#endif
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i) row[i] = Vec<T>::load(from + i * step);
  transpose(row);
}

}  // namespace stretto::STRETTO_ISA
