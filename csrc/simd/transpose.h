// A square of vectors transposed in registers: row[i] lane j becomes row[j] lane i.
#pragma once

#include "simd/integers.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX512F__)
STRETTO_INLINE void transpose(Vec<float> (&row)[16]) {
  __m512 a[16], b[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_ps(row[i].v, row[i + 1].v);
    a[i + 1] = _mm512_unpackhi_ps(row[i].v, row[i + 1].v);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    b[i] = _mm512_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm512_shuffle_ps(a[i], a[i + 2], 0xee);
    b[i + 2] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm512_shuffle_f32x4(b[i], b[i + 4], 0x88);
    a[i + 4] = _mm512_shuffle_f32x4(b[i], b[i + 4], 0xdd);
    a[i + 8] = _mm512_shuffle_f32x4(b[i + 8], b[i + 12], 0x88);
    a[i + 12] = _mm512_shuffle_f32x4(b[i + 8], b[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    row[i].v = _mm512_shuffle_f32x4(a[i], a[i + 8], 0x88);
    row[i + 8].v = _mm512_shuffle_f32x4(a[i], a[i + 8], 0xdd);
    row[i + 4].v = _mm512_shuffle_f32x4(a[i + 4], a[i + 12], 0x88);
    row[i + 12].v = _mm512_shuffle_f32x4(a[i + 4], a[i + 12], 0xdd);
  }
}
STRETTO_INLINE void transpose(Vec<double> (&row)[8]) {
  __m512d a[8], b[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm512_unpacklo_pd(row[i].v, row[i + 1].v);
    a[i + 1] = _mm512_unpackhi_pd(row[i].v, row[i + 1].v);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    b[i] = _mm512_shuffle_f64x2(a[i], a[i + 2], 0x88);
    b[i + 2] = _mm512_shuffle_f64x2(a[i], a[i + 2], 0xdd);
    b[i + 4] = _mm512_shuffle_f64x2(a[i + 4], a[i + 6], 0x88);
    b[i + 6] = _mm512_shuffle_f64x2(a[i + 4], a[i + 6], 0xdd);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    row[i].v = _mm512_shuffle_f64x2(b[i], b[i + 4], 0x88);
    row[i + 4].v = _mm512_shuffle_f64x2(b[i], b[i + 4], 0xdd);
    row[i + 2].v = _mm512_shuffle_f64x2(b[i + 2], b[i + 6], 0x88);
    row[i + 6].v = _mm512_shuffle_f64x2(b[i + 2], b[i + 6], 0xdd);
  }
}
#elif defined(__AVX2__)
STRETTO_INLINE void transpose(Vec<float> (&row)[8]) {
  __m256 a[8], b[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_ps(row[i].v, row[i + 1].v);
    a[i + 1] = _mm256_unpackhi_ps(row[i].v, row[i + 1].v);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    b[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
    b[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xee);
    b[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
    b[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    row[i].v = _mm256_permute2f128_ps(b[i], b[i + 4], 0x20);
    row[i + 4].v = _mm256_permute2f128_ps(b[i], b[i + 4], 0x31);
  }
}
STRETTO_INLINE void transpose(Vec<double> (&row)[4]) {
  const __m256d a = _mm256_unpacklo_pd(row[0].v, row[1].v), b = _mm256_unpackhi_pd(row[0].v, row[1].v);
  const __m256d c = _mm256_unpacklo_pd(row[2].v, row[3].v), d = _mm256_unpackhi_pd(row[2].v, row[3].v);
  row[0].v = _mm256_permute2f128_pd(a, c, 0x20);
  row[1].v = _mm256_permute2f128_pd(b, d, 0x20);
  row[2].v = _mm256_permute2f128_pd(a, c, 0x31);
  row[3].v = _mm256_permute2f128_pd(b, d, 0x31);
}
#else
STRETTO_INLINE void transpose(Vec<float> (&row)[4]) {
  const float32x4_t a = vtrn1q_f32(row[0].v, row[1].v), b = vtrn2q_f32(row[0].v, row[1].v);
  const float32x4_t c = vtrn1q_f32(row[2].v, row[3].v), d = vtrn2q_f32(row[2].v, row[3].v);
  const auto pairs = [](float32x4_t v) { return vreinterpretq_f64_f32(v); };
  row[0].v = vreinterpretq_f32_f64(vtrn1q_f64(pairs(a), pairs(c)));
  row[1].v = vreinterpretq_f32_f64(vtrn1q_f64(pairs(b), pairs(d)));
  row[2].v = vreinterpretq_f32_f64(vtrn2q_f64(pairs(a), pairs(c)));
  row[3].v = vreinterpretq_f32_f64(vtrn2q_f64(pairs(b), pairs(d)));
}
STRETTO_INLINE void transpose(Vec<double> (&row)[2]) {
  const float64x2_t a = vtrn1q_f64(row[0].v, row[1].v);
  row[1].v = vtrn2q_f64(row[0].v, row[1].v);
  row[0].v = a;
}
#endif

// Vectors of 32-bit integers.
template <class V, int lanes>
STRETTO_INLINE void transpose(V (&row)[lanes]) {
  static_assert(lanes == Vec<float>::lanes && sizeof(typename V::scalar) == 4);
  Vec<float> block[lanes];
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i) block[i].v = (decltype(block[i].v))row[i].v;
  transpose(block);
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i) row[i].v = (typename V::reg)block[i].v;
}

}  // namespace stretto::STRETTO_ISA
