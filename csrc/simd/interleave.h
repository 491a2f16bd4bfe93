// Vectors woven lane by lane: a[0], b[0], a[1], b[1], ...
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// The first and the second half of a and b woven, in their place.
STRETTO_INLINE void zip(Vec<float>& a, Vec<float>& b) {
#if defined(__AVX512F__)
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const __m512 first = _mm512_permutex2var_ps(a.v, low, b.v);
  b.v = _mm512_permutex2var_ps(a.v, high, b.v);
  a.v = first;
#elif defined(__AVX2__)
  const __m256 low = _mm256_unpacklo_ps(a.v, b.v), high = _mm256_unpackhi_ps(a.v, b.v);
  a.v = _mm256_permute2f128_ps(low, high, 0x20);
  b.v = _mm256_permute2f128_ps(low, high, 0x31);
#else
  const float32x4_t first = vzip1q_f32(a.v, b.v);
  b.v = vzip2q_f32(a.v, b.v);
  a.v = first;
#endif
}

STRETTO_INLINE void zip(Vec<double>& a, Vec<double>& b) {
#if defined(__AVX512F__)
  const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  const __m512d first = _mm512_permutex2var_pd(a.v, low, b.v);
  b.v = _mm512_permutex2var_pd(a.v, high, b.v);
  a.v = first;
#elif defined(__AVX2__)
  const __m256d low = _mm256_unpacklo_pd(a.v, b.v), high = _mm256_unpackhi_pd(a.v, b.v);
  a.v = _mm256_permute2f128_pd(low, high, 0x20);
  b.v = _mm256_permute2f128_pd(low, high, 0x31);
#else
  const float64x2_t first = vzip1q_f64(a.v, b.v);
  b.v = vzip2q_f64(a.v, b.v);
  a.v = first;
#endif
}

// S vectors, a power of two, woven into S consecutive ones.
template <class T, int S>
STRETTO_INLINE void interleave(Vec<T> (&x)[S]) {
  if constexpr (S > 1) {
    Vec<T> even[S / 2], odd[S / 2];
#pragma GCC unroll 8
    for (int i = 0; i < S / 2; ++i) {
      even[i] = x[2 * i];
      odd[i] = x[2 * i + 1];
    }
    interleave<T, S / 2>(even);
    interleave<T, S / 2>(odd);
#pragma GCC unroll 8
    for (int i = 0; i < S / 2; ++i) {
      zip(even[i], odd[i]);
      x[2 * i] = even[i];
      x[2 * i + 1] = odd[i];
    }
  }
}

}  // namespace stretto::STRETTO_ISA
