// AVX-512 vectors.
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
  using mask = __mmask16;
  static constexpr int lanes = 16;
  __m512 v;

  STRETTO_INLINE static mask first(int n) { return mask((1u << n) - 1u); }  // 0 <= n <= 16
  STRETTO_INLINE static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  STRETTO_INLINE static Vec load(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  STRETTO_INLINE static Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm512_setzero_ps()}; }
  STRETTO_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  STRETTO_INLINE void store(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), v); }
};
STRETTO_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm512_div_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
STRETTO_INLINE __mmask16 less(Vec<float> a, Vec<float> b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
STRETTO_INLINE Vec<float> select(__mmask16 m, Vec<float> a, Vec<float> b) {
  return {_mm512_mask_blend_ps(m, b.v, a.v)};
}

template <>
struct Vec<double> {
  using scalar = double;
  using mask = __mmask8;
  static constexpr int lanes = 8;
  __m512d v;

  STRETTO_INLINE static mask first(int n) { return mask((1u << n) - 1u); }  // 0 <= n <= 8
  STRETTO_INLINE static Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  STRETTO_INLINE static Vec load(const double* p, int n) { return {_mm512_maskz_loadu_pd(first(n), p)}; }
  STRETTO_INLINE static Vec broadcast(double x) { return {_mm512_set1_pd(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm512_setzero_pd()}; }
  STRETTO_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
  STRETTO_INLINE void store(double* p, int n) const { _mm512_mask_storeu_pd(p, first(n), v); }
};
STRETTO_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm512_add_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm512_sub_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm512_mul_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm512_div_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }
STRETTO_INLINE __mmask8 less(Vec<double> a, Vec<double> b) {
  return _mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ);
}
STRETTO_INLINE Vec<double> select(__mmask8 m, Vec<double> a, Vec<double> b) {
  return {_mm512_mask_blend_pd(m, b.v, a.v)};
}

}  // namespace stretto::STRETTO_ISA
