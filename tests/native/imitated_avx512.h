// AVX-512 by SIMDe (Debian: libsimde-dev), for tests on machines without it: included before everything else.
// SIMDe 0.7.4 lacks a few intrinsics that the kernels use; they are loops over elements here.
#pragma once

// clang-format off: the compiler's own header has to come first
#include <immintrin.h>
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
// clang-format on

#include <cstdint>
#include <cstring>

#define __AVX512F__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1
#define __AVX512DQ__ 1

namespace imitated {

template <class To, class From>
To same_bytes(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

template <class T, int n>
struct Elements {
  T at[n];
};

template <class V, class T>
V load(unsigned mask, const void* p) {
  constexpr int n = sizeof(V) / sizeof(T);
  Elements<T, n> x = {};
  for (int i = 0; i < n; ++i)
    if (mask >> i & 1) std::memcpy(&x.at[i], static_cast<const T*>(p) + i, sizeof(T));
  return same_bytes<V>(x);
}

template <class T, class V>
void store(void* p, unsigned mask, V v) {
  constexpr int n = sizeof(V) / sizeof(T);
  const auto x = same_bytes<Elements<T, n>>(v);
  for (int i = 0; i < n; ++i)
    if (mask >> i & 1) std::memcpy(static_cast<T*>(p) + i, &x.at[i], sizeof(T));
}

template <class To, class T, class F, class From>
To convert(From v) {
  constexpr int n = sizeof(To) / sizeof(T);
  const auto x = same_bytes<Elements<F, n>>(v);
  Elements<T, n> y;
  for (int i = 0; i < n; ++i) y.at[i] = T(x.at[i]);
  return same_bytes<To>(y);
}

template <class Half, class V>
Elements<Half, 2> halves(V v) {
  return same_bytes<Elements<Half, 2>>(v);
}

inline simde__m512 from_half_floats(__m256i v) {
  const auto [low, high] = halves<__m128i>(v).at;
  return same_bytes<simde__m512>(Elements<__m256, 2>{{_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)}});
}

inline __m256i to_half_floats(simde__m512 v) {
  const auto [low, high] = halves<__m256>(v).at;
  return same_bytes<__m256i>(Elements<__m128i, 2>{{_mm256_cvtps_ph(low, 0), _mm256_cvtps_ph(high, 0)}});
}

template <int order, class V>
V shuffle(V a, V b) {
  using Quarters = Elements<__m128i, 4>;
  const auto x = same_bytes<Quarters>(a), y = same_bytes<Quarters>(b);
  return same_bytes<V>(
      Quarters{{x.at[order & 3], x.at[order >> 2 & 3], y.at[order >> 4 & 3], y.at[order >> 6 & 3]}});
}

}  // namespace imitated

#define _mm512_maskz_loadu_ps(m, p) imitated::load<simde__m512, float>(m, p)
#define _mm512_maskz_loadu_pd(m, p) imitated::load<simde__m512d, double>(m, p)
#define _mm256_maskz_loadu_epi16(m, p) imitated::load<__m256i, std::int16_t>(m, p)
#define _mm_maskz_loadu_epi8(m, p) imitated::load<__m128i, std::int8_t>(m, p)
#define _mm_maskz_loadu_ps(m, p) imitated::load<__m128, float>(m, p)
#define _mm256_maskz_loadu_ps(m, p) imitated::load<__m256, float>(m, p)
#define _mm_maskz_loadu_pd(m, p) imitated::load<__m128d, double>(m, p)
#define _mm256_maskz_loadu_pd(m, p) imitated::load<__m256d, double>(m, p)
#define _mm512_mask_loadu_ps(o, m, p) _mm512_mask_blend_ps(m, o, _mm512_maskz_loadu_ps(m, p))
#define _mm512_mask_loadu_pd(o, m, p) _mm512_mask_blend_pd(m, o, _mm512_maskz_loadu_pd(m, p))
#define _mm512_mask_storeu_ps(p, m, v) imitated::store<float>(p, m, v)
#define _mm512_mask_storeu_pd(p, m, v) imitated::store<double>(p, m, v)
#define _mm256_mask_storeu_epi16(p, m, v) imitated::store<std::int16_t>(p, m, v)
#define _mm_mask_storeu_ps(p, m, v) imitated::store<float>(p, m, v)
#define _mm256_mask_storeu_ps(p, m, v) imitated::store<float>(p, m, v)
#define _mm_mask_storeu_pd(p, m, v) imitated::store<double>(p, m, v)
#define _mm256_mask_storeu_pd(p, m, v) imitated::store<double>(p, m, v)
#define _mm512_cvtepi32_epi16(v) imitated::convert<__m256i, std::int16_t, std::int32_t>(v)
#define _mm512_cvtepu16_epi32(v) imitated::convert<simde__m512i, std::int32_t, std::uint16_t>(v)
#define _mm512_cvtepu8_epi32(v) imitated::convert<simde__m512i, std::int32_t, std::uint8_t>(v)
#define _mm512_cvtepu8_epi16(v) imitated::convert<simde__m512i, std::int16_t, std::uint8_t>(v)
#define _mm512_cvtps_pd(v) imitated::convert<simde__m512d, double, float>(v)
#define _mm512_cvtpd_ps(v) imitated::convert<__m256, float, double>(v)
#define _mm512_cvtph_ps(v) imitated::from_half_floats(v)
#define _mm512_cvtps_ph(v, rounding) imitated::to_half_floats(v)
#define _mm512_extractf32x8_ps(v, half) imitated::halves<__m256>(v).at[half]
#define _mm512_shuffle_f32x4(a, b, order) imitated::shuffle<order, simde__m512>(a, b)
#define _mm512_shuffle_f64x2(a, b, order) imitated::shuffle<order, simde__m512d>(a, b)
#define _mm512_stream_ps(p, v) _mm512_storeu_ps(p, v)
#define _mm512_stream_pd(p, v) _mm512_storeu_pd(p, v)
