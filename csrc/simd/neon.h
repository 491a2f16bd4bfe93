// NEON vectors of aarch64.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "base/dtype.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct Vec;

template <>
struct Vec<std::uint32_t> {
  using scalar = std::uint32_t;
  static constexpr int lanes = 4;
  uint32x4_t v;

  STRETTO_INLINE static Vec broadcast(scalar x) { return {vdupq_n_u32(x)}; }
};
STRETTO_INLINE Vec<std::uint32_t> operator+(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {vaddq_u32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator-(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {vsubq_u32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator&(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {vandq_u32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator|(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {vorrq_u32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator^(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {veorq_u32(a.v, b.v)};
}
template <int n>
STRETTO_INLINE Vec<std::uint32_t> shift_left(Vec<std::uint32_t> a) {
  return {vshlq_n_u32(a.v, n)};
}
template <int n>
STRETTO_INLINE Vec<std::uint32_t> shift_right(Vec<std::uint32_t> a) {
  return {vshrq_n_u32(a.v, n)};
}

template <>
struct Vec<std::uint64_t> {
  using scalar = std::uint64_t;
  static constexpr int lanes = 2;
  uint64x2_t v;

  STRETTO_INLINE static Vec broadcast(scalar x) { return {vdupq_n_u64(x)}; }
};
STRETTO_INLINE Vec<std::uint64_t> operator+(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {vaddq_u64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator-(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {vsubq_u64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator&(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {vandq_u64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator|(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {vorrq_u64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator^(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {veorq_u64(a.v, b.v)};
}
template <int n>
STRETTO_INLINE Vec<std::uint64_t> shift_left(Vec<std::uint64_t> a) {
  return {vshlq_n_u64(a.v, n)};
}
template <int n>
STRETTO_INLINE Vec<std::uint64_t> shift_right(Vec<std::uint64_t> a) {
  return {vshrq_n_u64(a.v, n)};
}

template <>
struct Vec<float> {
  using scalar = float;
  using mask = uint32x4_t;
  static constexpr int lanes = 4;
  float32x4_t v;

  STRETTO_INLINE static mask either(mask a, mask b) { return vorrq_u32(a, b); }
  STRETTO_INLINE static mask both(mask a, mask b) { return vandq_u32(a, b); }
  STRETTO_INLINE static mask none() { return vdupq_n_u32(0); }
  STRETTO_INLINE static unsigned bitmask(mask m) {
    const uint32_t weight[4] = {1, 2, 4, 8};
    return unsigned(vaddvq_u32(vandq_u32(m, vld1q_u32(weight))));
  }
  STRETTO_INLINE static Vec load(const float* p) { return {vld1q_f32(p)}; }
  STRETTO_INLINE static Vec broadcast(float x) { return {vdupq_n_f32(x)}; }
  STRETTO_INLINE static Vec zero() { return {vdupq_n_f32(0.0f)}; }
  STRETTO_INLINE void store(float* p) const { vst1q_f32(p, v); }
  STRETTO_INLINE static Vec load(const float16* p) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(reinterpret_cast<const std::uint16_t*>(p))))};
  }
  STRETTO_INLINE static Vec load(const bfloat16* p) {
    const uint16x4_t half = vld1_u16(reinterpret_cast<const std::uint16_t*>(p));
    return {vreinterpretq_f32_u32(vshll_n_u16(half, 16))};
  }
  STRETTO_INLINE void store(float16* p) const {
    vst1_u16(reinterpret_cast<std::uint16_t*>(p), vreinterpret_u16_f16(vcvt_f16_f32(v)));
  }
  STRETTO_INLINE void store(bfloat16* p) const {  // to nearest even, as to_bfloat16 does
    const uint32x4_t u = vreinterpretq_u32_f32(v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(vaddq_u32(u, vdupq_n_u32(0x7fff)), odd);
    const uint32x4_t quiet = vorrq_u32(u, vdupq_n_u32(0x400000));
    const uint32x4_t chosen = vbslq_u32(vceqq_f32(v, v), rounded, quiet);
    vst1_u16(reinterpret_cast<std::uint16_t*>(p), vshrn_n_u32(chosen, 16));
  }
  template <class Element>
  STRETTO_INLINE static Vec load(const Element* p, int n) {
    Element lane[4] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return load(lane);
  }
  template <class Element>
  STRETTO_INLINE void store(Element* p, int n) const {
    Element lane[4];
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
STRETTO_INLINE Vec<float>::mask less(Vec<float> a, Vec<float> b) { return vcltq_f32(a.v, b.v); }
STRETTO_INLINE Vec<float>::mask less_equal(Vec<float> a, Vec<float> b) { return vcleq_f32(a.v, b.v); }
STRETTO_INLINE Vec<float>::mask equal(Vec<float> a, Vec<float> b) { return vceqq_f32(a.v, b.v); }
STRETTO_INLINE Vec<float> select(Vec<float>::mask m, Vec<float> a, Vec<float> b) {
  return {vbslq_f32(m, a.v, b.v)};
}
STRETTO_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return select(less(b, a), a, b); }
STRETTO_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return select(less(a, b), a, b); }
STRETTO_INLINE Vec<float> round_nearest(Vec<float> a) { return {vrndnq_f32(a.v)}; }
STRETTO_INLINE Vec<float>::mask is_nan(Vec<float> a) {
  return veorq_u32(vceqq_f32(a.v, a.v), vdupq_n_u32(~uint32_t(0)));
}
STRETTO_INLINE Vec<std::uint32_t> bits(Vec<float> a) { return {vreinterpretq_u32_f32(a.v)}; }
STRETTO_INLINE Vec<float> from_bits(Vec<std::uint32_t> a) { return {vreinterpretq_f32_u32(a.v)}; }

template <>
struct Vec<double> {
  using scalar = double;
  using mask = uint64x2_t;
  static constexpr int lanes = 2;
  float64x2_t v;

  STRETTO_INLINE static mask either(mask a, mask b) { return vorrq_u64(a, b); }
  STRETTO_INLINE static mask both(mask a, mask b) { return vandq_u64(a, b); }
  STRETTO_INLINE static mask none() { return vdupq_n_u64(0); }
  STRETTO_INLINE static unsigned bitmask(mask m) {
    const uint64_t weight[2] = {1, 2};
    return unsigned(vaddvq_u64(vandq_u64(m, vld1q_u64(weight))));
  }
  STRETTO_INLINE static Vec load(const double* p) { return {vld1q_f64(p)}; }
  STRETTO_INLINE static Vec broadcast(double x) { return {vdupq_n_f64(x)}; }
  STRETTO_INLINE static Vec zero() { return {vdupq_n_f64(0.0)}; }
  STRETTO_INLINE void store(double* p) const { vst1q_f64(p, v); }
  template <class Element>
  STRETTO_INLINE static Vec load(const Element* p, int n) {
    Element lane[2] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return load(lane);
  }
  template <class Element>
  STRETTO_INLINE void store(Element* p, int n) const {
    Element lane[2];
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
STRETTO_INLINE Vec<double>::mask less(Vec<double> a, Vec<double> b) { return vcltq_f64(a.v, b.v); }
STRETTO_INLINE Vec<double>::mask less_equal(Vec<double> a, Vec<double> b) { return vcleq_f64(a.v, b.v); }
STRETTO_INLINE Vec<double>::mask equal(Vec<double> a, Vec<double> b) { return vceqq_f64(a.v, b.v); }
STRETTO_INLINE Vec<double> select(Vec<double>::mask m, Vec<double> a, Vec<double> b) {
  return {vbslq_f64(m, a.v, b.v)};
}
STRETTO_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return select(less(b, a), a, b); }
STRETTO_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return select(less(a, b), a, b); }
STRETTO_INLINE Vec<double> round_nearest(Vec<double> a) { return {vrndnq_f64(a.v)}; }
STRETTO_INLINE Vec<double>::mask is_nan(Vec<double> a) {
  return veorq_u64(vceqq_f64(a.v, a.v), vdupq_n_u64(~uint64_t(0)));
}
STRETTO_INLINE Vec<std::uint64_t> bits(Vec<double> a) { return {vreinterpretq_u64_f64(a.v)}; }
STRETTO_INLINE Vec<double> from_bits(Vec<std::uint64_t> a) { return {vreinterpretq_f64_u64(a.v)}; }

// The lower and upper halves as doubles, exact; and back, rounded once.
STRETTO_INLINE Vec<double> lower(Vec<float> a) { return {vcvt_f64_f32(vget_low_f32(a.v))}; }
STRETTO_INLINE Vec<double> upper(Vec<float> a) { return {vcvt_high_f64_f32(a.v)}; }
STRETTO_INLINE Vec<float> joined(Vec<double> low, Vec<double> high) {
  return {vcvt_high_f32_f64(vcvt_f32_f64(low.v), high.v)};
}

}  // namespace stretto::STRETTO_ISA
