// Between arrays of any element type and vectors of a computation type. Widening is exact; narrowing rounds
// floats to nearest even and wraps integers.
#pragma once

#include "base/dtype.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <class A, class B>
inline constexpr bool is_same = false;
template <class A>
inline constexpr bool is_same<A, A> = true;

// One element.
template <class T, class From>
STRETTO_INLINE T widen_to(From x) {
  if constexpr (is_same<From, float16> || is_same<From, bfloat16>)
    return to_float(x);
  else
    return T(x);
}

// The first n lanes, the rest 0.
template <class T, class From>
STRETTO_INLINE Vec<T> load_as(const From* p, int n) {
  constexpr int lanes = Vec<T>::lanes;
  if constexpr (is_same<T, From>) {
    return n == lanes ? Vec<T>::load(p) : Vec<T>::load(p, n);
  } else if constexpr (is_same<From, float16> || is_same<From, bfloat16>) {
    alignas(64) std::uint16_t lane[lanes] = {};
    const From* from = p;
    if (n < lanes) {
      for (int i = 0; i < n; ++i) lane[i] = p[i].bits;
      from = reinterpret_cast<const From*>(lane);
    }
#if defined(__AVX512F__)
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    if constexpr (is_same<From, float16>) return {_mm512_cvtph_ps(bits)};
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
#elif defined(__AVX2__)
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    if constexpr (is_same<From, float16>) return {_mm256_cvtph_ps(bits)};
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16))};
#else
    const uint16x4_t bits = vld1_u16(reinterpret_cast<const std::uint16_t*>(from));
    if constexpr (is_same<From, float16>) return {vcvt_f32_f16(vreinterpret_f16_u16(bits))};
    return {vreinterpretq_f32_u32(vshll_n_u16(bits, 16))};
#endif
  } else {
    T lane[lanes];
    if (n == lanes) {
      for (int i = 0; i < lanes; ++i) lane[i] = T(p[i]);
    } else {
      for (int i = 0; i < lanes; ++i) lane[i] = i < n ? T(p[i]) : T(0);
    }
    return Vec<T>::load(lane);
  }
}

// The first n lanes.
template <class T, class To>
STRETTO_INLINE void store_as(Vec<T> x, To* p, int n) {
  constexpr int lanes = Vec<T>::lanes;
  if constexpr (is_same<T, To>) {
    if (n == lanes)
      x.store(p);
    else
      x.store(p, n);
  } else if constexpr (is_same<To, float16>) {
    alignas(64) std::uint16_t lane[lanes];
    void* const to = n == lanes ? static_cast<void*>(p) : lane;
#if defined(__AVX512F__)
    _mm256_storeu_si256(static_cast<__m256i*>(to), _mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__AVX2__)
    _mm_storeu_si128(static_cast<__m128i*>(to), _mm256_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT));
#else
    vst1_u16(static_cast<std::uint16_t*>(to), vreinterpret_u16_f16(vcvt_f16_f32(x.v)));
#endif
    if (n < lanes)
      for (int i = 0; i < n; ++i) p[i].bits = lane[i];
  } else if constexpr (is_same<To, bfloat16>) {
    float lane[lanes];
    x.store(lane);
    for (int i = 0; i < n; ++i) p[i] = to_bfloat16(lane[i]);
  } else {
    T lane[lanes];
    x.store(lane);
    for (int i = 0; i < n; ++i) p[i] = To(lane[i]);
  }
}

// Strided in memory: step 0 repeats one element.
template <class T, class From>
STRETTO_INLINE Vec<T> load_as(const From* p, std::int64_t step, int n) {
  if (step == 1) return load_as<T, From>(p, n);
  alignas(64) From lane[Vec<T>::lanes] = {};
  for (int i = 0; i < n; ++i) lane[i] = p[i * step];
  return load_as<T, From>(lane, Vec<T>::lanes);
}

template <class T, class To>
STRETTO_INLINE void store_as(Vec<T> x, To* p, std::int64_t step, int n) {
  if (step == 1 || n == 1) return store_as<T, To>(x, p, n);
  alignas(64) To lane[Vec<T>::lanes];
  store_as<T, To>(x, lane, Vec<T>::lanes);
  for (int i = 0; i < n; ++i) p[i * step] = lane[i];
}

}  // namespace stretto::STRETTO_ISA
