// NEON vectors of aarch64.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "base/dtype.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct Vec;

template <>
struct Vec<float> {
  using scalar = float;
  using mask = uint32x4_t;
  static constexpr int lanes = 4;
  float32x4_t v;

  STRETTO_INLINE static Vec load(const float* p) { return {vld1q_f32(p)}; }
  STRETTO_INLINE static Vec load(const float* p, int n) {
    float lane[4] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return load(lane);
  }
  STRETTO_INLINE static Vec broadcast(float x) { return {vdupq_n_f32(x)}; }
  STRETTO_INLINE static Vec zero() { return {vdupq_n_f32(0.0f)}; }
  STRETTO_INLINE void store(float* p) const { vst1q_f32(p, v); }
  STRETTO_INLINE void store(float* p, int n) const {
    float lane[4];
    store(lane);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
};
STRETTO_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {vdivq_f32(a.v, b.v)}; }
STRETTO_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
STRETTO_INLINE Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
STRETTO_INLINE uint32x4_t less(Vec<float> a, Vec<float> b) { return vcltq_f32(a.v, b.v); }
STRETTO_INLINE Vec<float> select(uint32x4_t m, Vec<float> a, Vec<float> b) {
  return {vbslq_f32(m, a.v, b.v)};
}

template <>
struct Vec<double> {
  using scalar = double;
  using mask = uint64x2_t;
  static constexpr int lanes = 2;
  float64x2_t v;

  STRETTO_INLINE static Vec load(const double* p) { return {vld1q_f64(p)}; }
  STRETTO_INLINE static Vec load(const double* p, int n) {
    double lane[2] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return load(lane);
  }
  STRETTO_INLINE static Vec broadcast(double x) { return {vdupq_n_f64(x)}; }
  STRETTO_INLINE static Vec zero() { return {vdupq_n_f64(0.0)}; }
  STRETTO_INLINE void store(double* p) const { vst1q_f64(p, v); }
  STRETTO_INLINE void store(double* p, int n) const {
    double lane[2];
    store(lane);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
};
STRETTO_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {vaddq_f64(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {vsubq_f64(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {vmulq_f64(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {vdivq_f64(a.v, b.v)}; }
STRETTO_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {vfmaq_f64(c.v, a.v, b.v)};
}
STRETTO_INLINE Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
STRETTO_INLINE uint64x2_t less(Vec<double> a, Vec<double> b) { return vcltq_f64(a.v, b.v); }
STRETTO_INLINE Vec<double> select(uint64x2_t m, Vec<double> a, Vec<double> b) {
  return {vbslq_f64(m, a.v, b.v)};
}

}  // namespace stretto::STRETTO_ISA
