// Lanes of vectors by a table made at run time, and loads of some lanes only: for AVX2 and AVX-512.
#pragma once

#include <type_traits>

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__)
// Lane i of the result is lane from[i] of a or, from `lanes` on, of b. `from` has 16 elements. One that does
// not need b may be told so.
template <class T>
struct Permutation {
  static constexpr bool is_float = sizeof(T) == 4;
#if defined(__AVX512F__)
  using LaneInteger = std::conditional_t<is_float, std::int32_t, std::int64_t>;
  __m512i table;
  Permutation() = default;
  STRETTO_INLINE explicit Permutation(const std::int8_t* from) {
    LaneInteger lane[Vec<T>::lanes];
    for (int i = 0; i < Vec<T>::lanes; ++i) lane[i] = LaneInteger(from[i]);
    table = _mm512_loadu_si512(lane);
  }
  STRETTO_INLINE Vec<T> of(Vec<T> a, Vec<T> b) const {
    if constexpr (is_float)
      return {_mm512_permutex2var_ps(a.v, table, b.v)};
    else
      return {_mm512_permutex2var_pd(a.v, table, b.v)};
  }
  STRETTO_INLINE Vec<T> of(Vec<T> a, Vec<T> b, bool) const { return of(a, b); }
#else
  __m256i table;  // of 32-bit halves; the sign bit of a lane says b
  Permutation() = default;
  STRETTO_INLINE explicit Permutation(const std::int8_t* from) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    if constexpr (is_float) {
      const __m256i lane = _mm256_cvtepi8_epi32(bytes);
      table = _mm256_or_si256(lane, _mm256_slli_epi32(lane, 28));
    } else {
      const __m256i lane = _mm256_cvtepi8_epi64(bytes);
      const __m256i low = _mm256_slli_epi64(lane, 1), high = _mm256_slli_epi64(lane, 33);
      const __m256i halves = _mm256_add_epi64(_mm256_or_si256(low, high), _mm256_set1_epi64x(1ll << 32));
      table = _mm256_or_si256(halves, _mm256_slli_epi64(lane, 61));
    }
  }
  STRETTO_INLINE Vec<T> of(Vec<T> a) const {
    if constexpr (is_float)
      return {_mm256_permutevar8x32_ps(a.v, table)};
    else
      return {_mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(a.v), table))};
  }
  STRETTO_INLINE Vec<T> of(Vec<T> a, Vec<T> b) const {
    if constexpr (is_float)
      return select(_mm256_castsi256_ps(table), of(b), of(a));
    else
      return select(_mm256_castsi256_pd(table), of(b), of(a));
  }
  STRETTO_INLINE Vec<T> of(Vec<T> a, Vec<T> b, bool needs_b) const { return needs_b ? of(a, b) : of(a); }
#endif
};

// The lanes whose bit is set; memory of the others is not touched.
template <class T>
struct LaneSet {
#if defined(__AVX512F__)
  typename Vec<T>::mask mask;
  LaneSet() = default;
  STRETTO_INLINE explicit LaneSet(unsigned bits) : mask(typename Vec<T>::mask(bits)) {}
  STRETTO_INLINE Vec<T> only(Vec<T> x) const { return select(mask, x, Vec<T>::zero()); }  // the others +0
  STRETTO_INLINE Vec<T> load(const T* p, Vec<T> otherwise) const {
    if constexpr (sizeof(T) == 4)
      return {_mm512_mask_loadu_ps(otherwise.v, mask, p)};
    else
      return {_mm512_mask_loadu_pd(otherwise.v, mask, p)};
  }
#else
  __m256i mask;
  LaneSet() = default;
  STRETTO_INLINE explicit LaneSet(unsigned bits) {
    if constexpr (sizeof(T) == 4) {
      const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
      mask = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(int(bits)), bit), bit);
    } else {
      const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
      mask = _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(bits), bit), bit);
    }
  }
  STRETTO_INLINE Vec<T> only(Vec<T> x) const {  // the others +0
    if constexpr (sizeof(T) == 4)
      return {_mm256_and_ps(x.v, _mm256_castsi256_ps(mask))};
    else
      return {_mm256_and_pd(x.v, _mm256_castsi256_pd(mask))};
  }
  STRETTO_INLINE Vec<T> load(const T* p, Vec<T> otherwise) const {  // a lane not loaded is +0, then or-ed
    if constexpr (sizeof(T) == 4)
      return {_mm256_or_ps(_mm256_maskload_ps(p, mask),
                           _mm256_andnot_ps(_mm256_castsi256_ps(mask), otherwise.v))};
    else
      return {_mm256_or_pd(_mm256_maskload_pd(p, mask),
                           _mm256_andnot_pd(_mm256_castsi256_pd(mask), otherwise.v))};
  }
#endif
};
#endif

}  // namespace stretto::STRETTO_ISA
