// AVX-512 vectors.
#pragma once

// GCC 12 warns of its own intrinsics' deliberately undefined registers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>
#include <cstring>

#include "base/dtype.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct Vec;

template <>
struct Vec<std::uint32_t> {
  using scalar = std::uint32_t;
  static constexpr int lanes = 16;
  __m512i v;

  STRETTO_INLINE static Vec broadcast(scalar x) { return {_mm512_set1_epi32(int(x))}; }
};
STRETTO_INLINE Vec<std::uint32_t> operator+(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator-(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator&(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_and_si512(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator|(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_or_si512(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator^(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> max(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_max_epu32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> min(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm512_min_epu32(a.v, b.v)};
}
template <int n>
STRETTO_INLINE Vec<std::uint32_t> shift_left(Vec<std::uint32_t> a) {
  return {_mm512_slli_epi32(a.v, n)};
}
template <int n>
STRETTO_INLINE Vec<std::uint32_t> shift_right(Vec<std::uint32_t> a) {
  return {_mm512_srli_epi32(a.v, n)};
}
template <>
struct Vec<std::uint64_t> {
  using scalar = std::uint64_t;
  static constexpr int lanes = 8;
  __m512i v;

  STRETTO_INLINE static Vec broadcast(scalar x) { return {_mm512_set1_epi64(static_cast<long long>(x))}; }
};
STRETTO_INLINE Vec<std::uint64_t> operator+(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm512_add_epi64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator-(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm512_sub_epi64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator&(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm512_and_si512(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator|(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm512_or_si512(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator^(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
template <int n>
STRETTO_INLINE Vec<std::uint64_t> shift_left(Vec<std::uint64_t> a) {
  return {_mm512_slli_epi64(a.v, n)};
}
template <int n>
STRETTO_INLINE Vec<std::uint64_t> shift_right(Vec<std::uint64_t> a) {
  return {_mm512_srli_epi64(a.v, n)};
}

template <>
struct Vec<float> {
  using scalar = float;
  using mask = __mmask16;
  static constexpr int lanes = 16;
  __m512 v;

  STRETTO_INLINE static mask first(int n) { return mask((1u << n) - 1u); }  // 0 <= n <= 16
  STRETTO_INLINE static mask either(mask a, mask b) { return mask(a | b); }
  STRETTO_INLINE static mask both(mask a, mask b) { return mask(a & b); }
  STRETTO_INLINE static mask none() { return 0; }
  STRETTO_INLINE static unsigned bitmask(mask m) { return m; }
  STRETTO_INLINE static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  STRETTO_INLINE static Vec load(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  STRETTO_INLINE static Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm512_setzero_ps()}; }
  STRETTO_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
  STRETTO_INLINE void store(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), v); }

  STRETTO_INLINE static Vec load(const float16* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  STRETTO_INLINE static Vec load(const float16* p, int n) {
    return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p))};
  }
  STRETTO_INLINE static Vec load(const bfloat16* p) {
    return {widen_bfloat16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  STRETTO_INLINE static Vec load(const bfloat16* p, int n) {
    return {widen_bfloat16(_mm256_maskz_loadu_epi16(first(n), p))};
  }
  STRETTO_INLINE void store(float16* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, kNearest));
  }
  STRETTO_INLINE void store(float16* p, int n) const {
    _mm256_mask_storeu_epi16(p, first(n), _mm512_cvtps_ph(v, kNearest));
  }
  STRETTO_INLINE void store(bfloat16* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow_bfloat16());
  }
  STRETTO_INLINE void store(bfloat16* p, int n) const {
    _mm256_mask_storeu_epi16(p, first(n), narrow_bfloat16());
  }

 private:
  static constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  STRETTO_INLINE static __m512 widen_bfloat16(__m256i x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }
  // To nearest even in integers, as to_bfloat16 does: VCVTNEPS2BF16 would flush subnormals.
  STRETTO_INLINE __m256i narrow_bfloat16() const {
    const __m512i u = _mm512_castps_si512(v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
    const __m512i quiet = _mm512_or_si512(u, _mm512_set1_epi32(0x400000));
    const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_blend_epi32(nan, rounded, quiet), 16));
  }
};
#if defined(__AVX512BF16__)
// Two vectors one behind the other. The instruction would flush subnormals.
STRETTO_INLINE void store_both(Vec<float> a, Vec<float> b, bfloat16* p) {
  constexpr int kSubnormal = 0x20;
  if (_mm512_fpclass_ps_mask(a.v, kSubnormal) | _mm512_fpclass_ps_mask(b.v, kSubnormal)) [[unlikely]] {
    a.store(p);
    b.store(p + Vec<float>::lanes);
  } else {
    const __m512bh both = _mm512_cvtne2ps_pbh(b.v, a.v);
    std::memcpy(p, &both, sizeof both);
  }
}
#endif
STRETTO_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm512_div_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
STRETTO_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> round_nearest(Vec<float> a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
STRETTO_INLINE Vec<float>::mask less(Vec<float> a, Vec<float> b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ);
}
STRETTO_INLINE Vec<float>::mask less_equal(Vec<float> a, Vec<float> b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ);
}
STRETTO_INLINE Vec<float>::mask equal(Vec<float> a, Vec<float> b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ);
}
STRETTO_INLINE Vec<float>::mask is_nan(Vec<float> a) { return _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q); }
STRETTO_INLINE Vec<float> select(Vec<float>::mask m, Vec<float> a, Vec<float> b) {
  return {_mm512_mask_blend_ps(m, b.v, a.v)};
}
STRETTO_INLINE Vec<std::uint32_t> bits(Vec<float> a) { return {_mm512_castps_si512(a.v)}; }
STRETTO_INLINE Vec<float> from_bits(Vec<std::uint32_t> a) { return {_mm512_castsi512_ps(a.v)}; }

template <>
struct Vec<double> {
  using scalar = double;
  using mask = __mmask8;
  static constexpr int lanes = 8;
  __m512d v;

  STRETTO_INLINE static mask first(int n) { return mask((1u << n) - 1u); }  // 0 <= n <= 8
  STRETTO_INLINE static mask either(mask a, mask b) { return mask(a | b); }
  STRETTO_INLINE static mask both(mask a, mask b) { return mask(a & b); }
  STRETTO_INLINE static mask none() { return 0; }
  STRETTO_INLINE static unsigned bitmask(mask m) { return m; }
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
STRETTO_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_min_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> round_nearest(Vec<double> a) {
  return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
STRETTO_INLINE Vec<double>::mask less(Vec<double> a, Vec<double> b) {
  return _mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ);
}
STRETTO_INLINE Vec<double>::mask less_equal(Vec<double> a, Vec<double> b) {
  return _mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ);
}
STRETTO_INLINE Vec<double>::mask equal(Vec<double> a, Vec<double> b) {
  return _mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ);
}
STRETTO_INLINE Vec<double>::mask is_nan(Vec<double> a) { return _mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q); }
STRETTO_INLINE Vec<double> select(Vec<double>::mask m, Vec<double> a, Vec<double> b) {
  return {_mm512_mask_blend_pd(m, b.v, a.v)};
}
STRETTO_INLINE Vec<std::uint64_t> bits(Vec<double> a) { return {_mm512_castpd_si512(a.v)}; }
STRETTO_INLINE Vec<double> from_bits(Vec<std::uint64_t> a) { return {_mm512_castsi512_pd(a.v)}; }

// The lower and upper halves as doubles, exact; and back, rounded once.
STRETTO_INLINE Vec<double> lower(Vec<float> a) { return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v))}; }
STRETTO_INLINE Vec<double> upper(Vec<float> a) { return {_mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))}; }
STRETTO_INLINE Vec<float> joined(Vec<double> low, Vec<double> high) {
  return {_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low.v)), _mm512_cvtpd_ps(high.v), 1)};
}

}  // namespace stretto::STRETTO_ISA
