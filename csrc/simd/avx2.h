// AVX2 + FMA vectors.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "base/dtype.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct Vec;

template <>
struct Vec<std::uint32_t> {
  using scalar = std::uint32_t;
  static constexpr int lanes = 8;
  __m256i v;

  STRETTO_INLINE static Vec broadcast(scalar x) { return {_mm256_set1_epi32(int(x))}; }
};
STRETTO_INLINE Vec<std::uint32_t> operator+(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_add_epi32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator-(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_sub_epi32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator&(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_and_si256(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator|(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_or_si256(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> operator^(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_xor_si256(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> max(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_max_epu32(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint32_t> min(Vec<std::uint32_t> a, Vec<std::uint32_t> b) {
  return {_mm256_min_epu32(a.v, b.v)};
}
template <int n>
STRETTO_INLINE Vec<std::uint32_t> shift_left(Vec<std::uint32_t> a) {
  return {_mm256_slli_epi32(a.v, n)};
}
template <int n>
STRETTO_INLINE Vec<std::uint32_t> shift_right(Vec<std::uint32_t> a) {
  return {_mm256_srli_epi32(a.v, n)};
}
template <>
struct Vec<std::uint64_t> {
  using scalar = std::uint64_t;
  static constexpr int lanes = 4;
  __m256i v;

  STRETTO_INLINE static Vec broadcast(scalar x) { return {_mm256_set1_epi64x(static_cast<long long>(x))}; }
};
STRETTO_INLINE Vec<std::uint64_t> operator+(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm256_add_epi64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator-(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm256_sub_epi64(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator&(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm256_and_si256(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator|(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm256_or_si256(a.v, b.v)};
}
STRETTO_INLINE Vec<std::uint64_t> operator^(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
  return {_mm256_xor_si256(a.v, b.v)};
}
template <int n>
STRETTO_INLINE Vec<std::uint64_t> shift_left(Vec<std::uint64_t> a) {
  return {_mm256_slli_epi64(a.v, n)};
}
template <int n>
STRETTO_INLINE Vec<std::uint64_t> shift_right(Vec<std::uint64_t> a) {
  return {_mm256_srli_epi64(a.v, n)};
}

template <>
struct Vec<float> {
  using scalar = float;
  using mask = __m256;
  static constexpr int lanes = 8;
  __m256 v;

  STRETTO_INLINE static __m256i first(int n) {  // 0 <= n <= 8
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  STRETTO_INLINE static mask either(mask a, mask b) { return _mm256_or_ps(a, b); }
  STRETTO_INLINE static mask both(mask a, mask b) { return _mm256_and_ps(a, b); }
  STRETTO_INLINE static mask none() { return _mm256_setzero_ps(); }
  STRETTO_INLINE static unsigned bitmask(mask m) { return unsigned(_mm256_movemask_ps(m)); }
  STRETTO_INLINE static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  STRETTO_INLINE static Vec load(const float* p, int n) { return {_mm256_maskload_ps(p, first(n))}; }
  STRETTO_INLINE static Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm256_setzero_ps()}; }
  STRETTO_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
  STRETTO_INLINE void store(float* p, int n) const {  // a masked store takes Zen 3 a dozen cycles
    return n == lanes ? store(p) : _mm256_maskstore_ps(p, first(n), v);
  }

  STRETTO_INLINE static Vec load(const float16* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  STRETTO_INLINE static Vec load(const bfloat16* p) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16))};
  }
  template <class Half>
  STRETTO_INLINE static Vec load(const Half* p, int n) {
    Half lane[8] = {};
    for (int i = 0; i < n; ++i) lane[i] = p[i];
    return load(lane);
  }
  STRETTO_INLINE void store(float16* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  STRETTO_INLINE void store(bfloat16* p) const {  // to nearest even, as to_bfloat16 does
    const __m256i u = _mm256_castps_si256(v);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
    const __m256i quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(high, high), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
  }
  template <class Half>
  STRETTO_INLINE void store(Half* p, int n) const {
    Half lane[8];
    store(lane);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
};
STRETTO_INLINE Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm256_div_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
STRETTO_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
STRETTO_INLINE Vec<float> round_nearest(Vec<float> a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
STRETTO_INLINE Vec<float>::mask less(Vec<float> a, Vec<float> b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ);
}
STRETTO_INLINE Vec<float>::mask less_equal(Vec<float> a, Vec<float> b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ);
}
STRETTO_INLINE Vec<float>::mask equal(Vec<float> a, Vec<float> b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ);
}
STRETTO_INLINE Vec<float>::mask is_nan(Vec<float> a) { return _mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q); }
STRETTO_INLINE Vec<float> select(Vec<float>::mask m, Vec<float> a, Vec<float> b) {
  return {_mm256_blendv_ps(b.v, a.v, m)};
}
STRETTO_INLINE Vec<std::uint32_t> bits(Vec<float> a) { return {_mm256_castps_si256(a.v)}; }
STRETTO_INLINE Vec<float> from_bits(Vec<std::uint32_t> a) { return {_mm256_castsi256_ps(a.v)}; }

template <>
struct Vec<double> {
  using scalar = double;
  using mask = __m256d;
  static constexpr int lanes = 4;
  __m256d v;

  STRETTO_INLINE static __m256i first(int n) {  // 0 <= n <= 4
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  STRETTO_INLINE static mask either(mask a, mask b) { return _mm256_or_pd(a, b); }
  STRETTO_INLINE static mask both(mask a, mask b) { return _mm256_and_pd(a, b); }
  STRETTO_INLINE static mask none() { return _mm256_setzero_pd(); }
  STRETTO_INLINE static unsigned bitmask(mask m) { return unsigned(_mm256_movemask_pd(m)); }
  STRETTO_INLINE static Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  STRETTO_INLINE static Vec load(const double* p, int n) { return {_mm256_maskload_pd(p, first(n))}; }
  STRETTO_INLINE static Vec broadcast(double x) { return {_mm256_set1_pd(x)}; }
  STRETTO_INLINE static Vec zero() { return {_mm256_setzero_pd()}; }
  STRETTO_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
  STRETTO_INLINE void store(double* p, int n) const {
    return n == lanes ? store(p) : _mm256_maskstore_pd(p, first(n), v);
  }
};
STRETTO_INLINE Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm256_add_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm256_sub_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm256_mul_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm256_div_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
STRETTO_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
STRETTO_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(a.v, b.v)}; }
STRETTO_INLINE Vec<double> round_nearest(Vec<double> a) {
  return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
STRETTO_INLINE Vec<double>::mask less(Vec<double> a, Vec<double> b) {
  return _mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ);
}
STRETTO_INLINE Vec<double>::mask less_equal(Vec<double> a, Vec<double> b) {
  return _mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ);
}
STRETTO_INLINE Vec<double>::mask equal(Vec<double> a, Vec<double> b) {
  return _mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ);
}
STRETTO_INLINE Vec<double>::mask is_nan(Vec<double> a) { return _mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q); }
STRETTO_INLINE Vec<double> select(Vec<double>::mask m, Vec<double> a, Vec<double> b) {
  return {_mm256_blendv_pd(b.v, a.v, m)};
}
STRETTO_INLINE Vec<std::uint64_t> bits(Vec<double> a) { return {_mm256_castpd_si256(a.v)}; }
STRETTO_INLINE Vec<double> from_bits(Vec<std::uint64_t> a) { return {_mm256_castsi256_pd(a.v)}; }

// The lower and upper halves as doubles, exact; and back, rounded once.
STRETTO_INLINE Vec<double> lower(Vec<float> a) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v))}; }
STRETTO_INLINE Vec<double> upper(Vec<float> a) { return {_mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))}; }
STRETTO_INLINE Vec<float> joined(Vec<double> low, Vec<double> high) {
  return {_mm256_set_m128(_mm256_cvtpd_ps(high.v), _mm256_cvtpd_ps(low.v))};
}

}  // namespace stretto::STRETTO_ISA
