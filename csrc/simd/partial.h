// Vectors of which some lanes only are in memory, and every other element of memory.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// Lanes [low, high) of a vector; made once, used for many rows. The others load as 0 and are not touched;
// choose() takes them from elsewhere.
template <class T>
struct Part {
  static constexpr int lanes = Vec<T>::lanes;
#if defined(__AVX512F__)
  typename Vec<T>::mask mask;
  Part() = default;
  STRETTO_INLINE Part(std::int64_t low, std::int64_t high)
      : mask(high <= low || high <= 0 || low >= lanes
                 ? 0
                 : Vec<T>::first(high < lanes ? int(high) : lanes) & ~Vec<T>::first(low > 0 ? int(low) : 0)) {
  }
  STRETTO_INLINE Vec<T> load(const T* p) const {
    if constexpr (sizeof(T) == 4)
      return {_mm512_maskz_loadu_ps(mask, p)};
    else
      return {_mm512_maskz_loadu_pd(mask, p)};
  }
  STRETTO_INLINE Vec<T> choose(Vec<T> inside, Vec<T> outside) const { return select(mask, inside, outside); }
#elif defined(__AVX2__)
  __m256i mask;
  Part() = default;
  STRETTO_INLINE Part(std::int64_t low, std::int64_t high) {
    const int last = high < 0 ? 0 : high < lanes ? int(high) : lanes;
    const int first = low < 0 ? 0 : low < lanes ? int(low) : lanes;
    mask = _mm256_andnot_si256(Vec<T>::first(first), Vec<T>::first(last));
  }
  STRETTO_INLINE Vec<T> load(const T* p) const {
    if constexpr (sizeof(T) == 4)
      return {_mm256_maskload_ps(p, mask)};
    else
      return {_mm256_maskload_pd(p, mask)};
  }
  STRETTO_INLINE Vec<T> choose(Vec<T> inside, Vec<T> outside) const {
    if constexpr (sizeof(T) == 4)
      return select(_mm256_castsi256_ps(mask), inside, outside);
    else
      return select(_mm256_castsi256_pd(mask), inside, outside);
  }
#else
  int low, high;
  Part() = default;
  STRETTO_INLINE Part(std::int64_t from, std::int64_t to)
      : low(from < 0       ? 0
            : from < lanes ? int(from)
                           : lanes),
        high(to < 0       ? 0
             : to < lanes ? int(to)
                          : lanes) {}
  STRETTO_INLINE Vec<T> load(const T* p) const {
    T lane[lanes] = {};
    for (int i = low; i < high; ++i) lane[i] = p[i];
    return Vec<T>::load(lane);
  }
  STRETTO_INLINE Vec<T> choose(Vec<T> inside, Vec<T> outside) const {
    T from[lanes], to[lanes];
    inside.store(from);
    outside.store(to);
    for (int i = low; i < high; ++i) to[i] = from[i];
    return Vec<T>::load(to);
  }
#endif
};

// The lanes whose bit is set; the others load as 0 and are not touched. Where the instruction set has it.
#if defined(__AVX512F__)
inline constexpr bool kLaneMasks = true;
STRETTO_INLINE Vec<float> load_lanes(const float* p, unsigned bits) {
  return {_mm512_maskz_loadu_ps(__mmask16(bits), p)};
}
STRETTO_INLINE Vec<double> load_lanes(const double* p, unsigned bits) {
  return {_mm512_maskz_loadu_pd(__mmask8(bits), p)};
}
#else
inline constexpr bool kLaneMasks = false;
#endif

// Lanes 0, 2, 4, ... of a, then of b.
STRETTO_INLINE Vec<float> even_lanes(Vec<float> a, Vec<float> b) {
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

STRETTO_INLINE Vec<double> even_lanes(Vec<double> a, Vec<double> b) {
#if defined(__AVX512F__)
  return {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b.v)};
#elif defined(__AVX2__)
  return {_mm256_permute4x64_pd(_mm256_unpacklo_pd(a.v, b.v), 0xd8)};
#else
  return {vuzp1q_f64(a.v, b.v)};
#endif
}

// Lanes 1, 3, 5, ... of a, then of b.
STRETTO_INLINE Vec<float> odd_lanes(Vec<float> a, Vec<float> b) {
#if defined(__AVX512F__)
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return {_mm512_permutex2var_ps(a.v, odd, b.v)};
#elif defined(__AVX2__)
  const __m256 pairs = _mm256_shuffle_ps(a.v, b.v, 0xdd);
  return {_mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(pairs), 0xd8))};
#else
  return {vuzp2q_f32(a.v, b.v)};
#endif
}

STRETTO_INLINE Vec<double> odd_lanes(Vec<double> a, Vec<double> b) {
#if defined(__AVX512F__)
  return {_mm512_permutex2var_pd(a.v, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b.v)};
#elif defined(__AVX2__)
  return {_mm256_permute4x64_pd(_mm256_unpackhi_pd(a.v, b.v), 0xd8)};
#else
  return {vuzp2q_f64(a.v, b.v)};
#endif
}

}  // namespace stretto::STRETTO_ISA
