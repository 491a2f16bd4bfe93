// AVX2 + FMA vectors.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "base/dtype.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct Vec;

template <>
struct Vec<float> {
  using scalar = float;
  using mask = __m256;
  static constexpr int lanes = 8;
  __m256 v;

  STRETTO_INLINE static __m256i first(int n) {  // 0 <= n <= 8
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  STRETTO_INLINE static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  STRETTO_INLINE static Vec load(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
  STRETTO_INLINE static Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm256_setzero_ps()}; }
  STRETTO_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  STRETTO_INLINE void store(float* p, int n) const { _mm256_maskstore_ps(p, first(n), v); }
};
STRETTO_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm256_div_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
STRETTO_INLINE __m256 less(Vec<float> a, Vec<float> b) { return _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ); }
STRETTO_INLINE Vec<float> select(__m256 m, Vec<float> a, Vec<float> b) {
  return {_mm256_blendv_ps(b.v, a.v, m)};
}

template <>
struct Vec<double> {
  using scalar = double;
  using mask = __m256d;
  static constexpr int lanes = 4;
  __m256d v;

  STRETTO_INLINE static __m256i first(int n) {  // 0 <= n <= 4
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  STRETTO_INLINE static Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  STRETTO_INLINE static Vec load(const double* p, int n) { return {_mm256_maskload_pd(p, first(n))}; }
  STRETTO_INLINE static Vec broadcast(double x) { return {_mm256_set1_pd(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm256_setzero_pd()}; }
  STRETTO_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  STRETTO_INLINE void store(double* p, int n) const { _mm256_maskstore_pd(p, first(n), v); }
};
STRETTO_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm256_sub_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm256_mul_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm256_div_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
STRETTO_INLINE __m256d less(Vec<double> a, Vec<double> b) { return _mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ); }
STRETTO_INLINE Vec<double> select(__m256d m, Vec<double> a, Vec<double> b) {
  return {_mm256_blendv_pd(b.v, a.v, m)};
}

}  // namespace stretto::STRETTO_ISA
