// Vectors narrower than the machine's, for matrices of few columns: Narrow<T, lanes> has Vec<T>'s interface.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <class T, int lanes>
struct Narrow;

// As many lanes as To has.
template <class To, class V>
STRETTO_INLINE To first_lanes(V x) {
  static_assert(To::lanes == V::lanes);
  return x;
}

#if defined(__AVX2__)

#if defined(__AVX512VL__)
#define STRETTO_MASKED(bits, suffix)                                        \
  STRETTO_INLINE static Narrow load(const scalar* p, int n) {               \
    return {_mm##bits##_maskz_loadu_##suffix(__mmask8((1u << n) - 1u), p)}; \
  }                                                                         \
  STRETTO_INLINE void store(scalar* p, int n) const {                       \
    _mm##bits##_mask_storeu_##suffix(p, __mmask8((1u << n) - 1u), v);       \
  }
#else
#define STRETTO_MASKED(bits, suffix)                          \
  STRETTO_INLINE static Narrow load(const scalar* p, int n) { \
    return {_mm##bits##_maskload_##suffix(p, first(n))};      \
  }                                                           \
  STRETTO_INLINE void store(scalar* p, int n) const { _mm##bits##_maskstore_##suffix(p, first(n), v); }
#endif

#define STRETTO_NARROW(T, count, type, bits, suffix, FIRST)                                         \
  template <>                                                                                       \
  struct Narrow<T, count> {                                                                         \
    using scalar = T;                                                                               \
    static constexpr int lanes = count;                                                             \
    type v;                                                                                         \
    FIRST                                                                                           \
    STRETTO_MASKED(bits, suffix)                                                                    \
    STRETTO_INLINE static Narrow load(const T* p) { return {_mm##bits##_loadu_##suffix(p)}; }       \
    STRETTO_INLINE static Narrow broadcast(T x) { return {_mm##bits##_set1_##suffix(x)}; }          \
    STRETTO_INLINE static Narrow zero() { return {_mm##bits##_setzero_##suffix()}; }                \
    STRETTO_INLINE void store(T* p) const { _mm##bits##_storeu_##suffix(p, v); }                    \
  };                                                                                                \
  STRETTO_INLINE Narrow<T, count> operator+(Narrow<T, count> a, Narrow<T, count> b) {               \
    return {_mm##bits##_add_##suffix(a.v, b.v)};                                                    \
  }                                                                                                 \
  STRETTO_INLINE Narrow<T, count> max(Narrow<T, count> a, Narrow<T, count> b) {                     \
    return {_mm##bits##_max_##suffix(a.v, b.v)};                                                    \
  }                                                                                                 \
  STRETTO_INLINE Narrow<T, count> min(Narrow<T, count> a, Narrow<T, count> b) {                     \
    return {_mm##bits##_min_##suffix(a.v, b.v)};                                                    \
  }                                                                                                 \
  STRETTO_INLINE Narrow<T, count> fma(Narrow<T, count> a, Narrow<T, count> b, Narrow<T, count> c) { \
    return {_mm##bits##_fmadd_##suffix(a.v, b.v, c.v)};                                             \
  }

#define STRETTO_FIRST(type, expression) \
  STRETTO_INLINE static type first(int n) { return expression; }
STRETTO_NARROW(float, 4, __m128, , ps,
               STRETTO_FIRST(__m128i, _mm_cmpgt_epi32(_mm_set1_epi32(n), _mm_setr_epi32(0, 1, 2, 3))))
STRETTO_NARROW(double, 2, __m128d, , pd,
               STRETTO_FIRST(__m128i, _mm_cmpgt_epi64(_mm_set1_epi64x(n), _mm_set_epi64x(1, 0))))
#if defined(__AVX512VL__)
STRETTO_NARROW(float, 8, __m256, 256, ps, )
STRETTO_NARROW(double, 4, __m256d, 256, pd, )
#endif

#undef STRETTO_MASKED
#undef STRETTO_NARROW
#undef STRETTO_FIRST

#if defined(__AVX512VL__)
template <>
STRETTO_INLINE Narrow<float, 4> first_lanes(Vec<float> x) {
  return {_mm512_castps512_ps128(x.v)};
}
template <>
STRETTO_INLINE Narrow<double, 2> first_lanes(Vec<double> x) {
  return {_mm512_castpd512_pd128(x.v)};
}
template <>
STRETTO_INLINE Narrow<float, 8> first_lanes(Vec<float> x) {
  return {_mm512_castps512_ps256(x.v)};
}
template <>
STRETTO_INLINE Narrow<double, 4> first_lanes(Vec<double> x) {
  return {_mm512_castpd512_pd256(x.v)};
}
#else
template <>
STRETTO_INLINE Narrow<float, 4> first_lanes(Vec<float> x) {
  return {_mm256_castps256_ps128(x.v)};
}
template <>
STRETTO_INLINE Narrow<double, 2> first_lanes(Vec<double> x) {
  return {_mm256_castpd256_pd128(x.v)};
}
#endif
#endif

}  // namespace stretto::STRETTO_ISA
