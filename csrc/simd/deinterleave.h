// Every other element of memory.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// p[0], p[2], ..., p[2 * (n - 1)], the rest 0; reads nothing behind p[2 * (n - 1)].
STRETTO_INLINE Vec<float> load_even(const float* p, int n) {
  constexpr int lanes = Vec<float>::lanes;
  const int elements = 2 * n - 1;
  const Vec<float> a = elements < lanes ? Vec<float>::load(p, elements) : Vec<float>::load(p);
  const Vec<float> b = elements > lanes ? Vec<float>::load(p + lanes, elements - lanes) : Vec<float>::zero();
#if defined(__AVX512F__)
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return {_mm512_permutex2var_ps(a.v, even, b.v)};
#elif defined(__AVX2__)
  const __m256 pairs = _mm256_shuffle_ps(a.v, b.v, 0x88);
  return {_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(pairs), 0xd8))};
#else
  return {vuzp1q_f32(a.v, b.v)};
#endif
}

STRETTO_INLINE Vec<double> load_even(const double* p, int n) {
  constexpr int lanes = Vec<double>::lanes;
  const int elements = 2 * n - 1;
  const Vec<double> a = elements < lanes ? Vec<double>::load(p, elements) : Vec<double>::load(p);
  const Vec<double> b = elements > lanes ? Vec<double>::load(p + lanes, elements - lanes) : Vec<double>::zero();
#if defined(__AVX512F__)
  return {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b.v)};
#elif defined(__AVX2__)
  return {_mm256_permute4x64_pd(_mm256_unpacklo_pd(a.v, b.v), 0xd8)};
#else
  return {vuzp1q_f64(a.v, b.v)};
#endif
}

}  // namespace stretto::STRETTO_ISA
