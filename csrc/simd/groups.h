// Groups: 32-bit lanes that hold several consecutive terms of integers of 8 or 16 bits. fma(a, b, c) adds the
// products of a group's terms to c, modulo 2^32: nothing saturates, so sums are exact in any order.
#pragma once

#include <type_traits>

#include "simd/integers.h"

namespace stretto::STRETTO_ISA {

// Two int16 a lane.
struct WordPairs : Whole<WordPairs, std::int32_t, std::uint32_t> {
  static constexpr int terms = 2;
};

// Four bytes a lane, unsigned ones of one operand times signed ones of the other.
template <bool second_is_unsigned>
struct ByteQuads : Whole<ByteQuads<second_is_unsigned>, std::int32_t, std::uint32_t> {
  static constexpr int terms = 4;
};

STRETTO_INLINE WordPairs operator+(WordPairs a, WordPairs b) { return {{a.v + b.v}}; }

#if defined(__AVX512VNNI__)
STRETTO_INLINE WordPairs fma(WordPairs a, WordPairs b, WordPairs c) {
  return {{(WordPairs::reg)_mm512_dpwssd_epi32((__m512i)c.v, (__m512i)a.v, (__m512i)b.v)}};
}
template <bool second_is_unsigned>
STRETTO_INLINE ByteQuads<second_is_unsigned> operator+(ByteQuads<second_is_unsigned> a,
                                                       ByteQuads<second_is_unsigned> b) {
  return {{a.v + b.v}};
}
template <bool second_is_unsigned>
STRETTO_INLINE ByteQuads<second_is_unsigned> fma(ByteQuads<second_is_unsigned> a,
                                                 ByteQuads<second_is_unsigned> b,
                                                 ByteQuads<second_is_unsigned> c) {
  const __m512i first = (__m512i)(second_is_unsigned ? b.v : a.v);
  const __m512i second = (__m512i)(second_is_unsigned ? a.v : b.v);
  return {{(WordPairs::reg)_mm512_dpbusd_epi32((__m512i)c.v, first, second)}};
}
#elif defined(__AVX512BW__)
STRETTO_INLINE WordPairs fma(WordPairs a, WordPairs b, WordPairs c) {
  return {{c.v + (WordPairs::reg)_mm512_madd_epi16((__m512i)a.v, (__m512i)b.v)}};
}
#elif defined(__AVX2__)
STRETTO_INLINE WordPairs fma(WordPairs a, WordPairs b, WordPairs c) {
  return {{c.v + (WordPairs::reg)_mm256_madd_epi16((__m256i)a.v, (__m256i)b.v)}};
}
#else
// Of a, a broadcast, lane 0 counts.
STRETTO_INLINE WordPairs fma(WordPairs a, WordPairs b, WordPairs c) {
  const int16x4_t left = vget_low_s16(vreinterpretq_s16_u32((uint32x4_t)a.v));
  const int16x8_t right = vreinterpretq_s16_u32((uint32x4_t)b.v);
  const int16x4_t first = vget_low_s16(vuzp1q_s16(right, right)),
                  second = vget_low_s16(vuzp2q_s16(right, right));
  const int32x4_t sum = vmlal_lane_s16((int32x4_t)c.v, first, left, 0);
  return {{(WordPairs::reg)vmlal_lane_s16(sum, second, left, 1)}};
}
#endif

// A vector's lanes of neighbouring elements of 8 or 16 bits, the first n of them, the rest 0; their bits as
// 32-bit lanes; and bytes widened to int16, two a lane. The compiler's own conversions of vectors are slow.
#if defined(__AVX512BW__)
STRETTO_INLINE __m128i load_narrow(const void* p, int n, std::integral_constant<int, 1>) {
  return _mm_maskz_loadu_epi8(Vec<float>::first(n), p);
}
STRETTO_INLINE __m256i load_narrow(const void* p, int n, std::integral_constant<int, 2>) {
  return _mm256_maskz_loadu_epi16(Vec<float>::first(n), p);
}
STRETTO_INLINE __m512i widened(__m128i x) { return _mm512_cvtepu8_epi32(x); }
STRETTO_INLINE __m512i widened(__m256i x) { return _mm512_cvtepu16_epi32(x); }
STRETTO_INLINE __m256i zipped(__m128i a, __m128i b) {
  return _mm256_or_si256(_mm256_cvtepu8_epi16(a), _mm256_slli_epi16(_mm256_cvtepu8_epi16(b), 8));
}
template <class Byte>
STRETTO_INLINE __m512i words_of(__m256i x) {
  return std::is_signed_v<Byte> ? _mm512_cvtepi8_epi16(x) : _mm512_cvtepu8_epi16(x);
}
STRETTO_INLINE __m256i load_bytes(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
#elif defined(__AVX2__)
STRETTO_INLINE __m128i load_narrow(const void* p, int n, std::integral_constant<int, 1>) {
  if (n == 8) return _mm_loadl_epi64(static_cast<const __m128i*>(p));
  std::uint64_t x = 0;
  for (int i = 0; i < n; ++i) x |= std::uint64_t(static_cast<const std::uint8_t*>(p)[i]) << (8 * i);
  return _mm_cvtsi64_si128(std::int64_t(x));
}
struct EightWords {
  __m128i v;
};
STRETTO_INLINE EightWords load_narrow(const void* p, int n, std::integral_constant<int, 2>) {
  if (n == 8) return {_mm_loadu_si128(static_cast<const __m128i*>(p))};
  std::uint16_t x[8] = {};
  for (int i = 0; i < n; ++i) x[i] = static_cast<const std::uint16_t*>(p)[i];
  return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))};
}
STRETTO_INLINE __m256i widened(__m128i x) { return _mm256_cvtepu8_epi32(x); }
STRETTO_INLINE __m256i widened(EightWords x) { return _mm256_cvtepu16_epi32(x.v); }
STRETTO_INLINE __m128i zipped(__m128i a, __m128i b) { return _mm_unpacklo_epi8(a, b); }
template <class Byte>
STRETTO_INLINE __m256i words_of(__m128i x) {
  return std::is_signed_v<Byte> ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x);
}
STRETTO_INLINE __m128i load_bytes(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
#else
STRETTO_INLINE uint8x8_t load_narrow(const void* p, int n, std::integral_constant<int, 1>) {
  std::uint64_t x = 0;
  if (n == 4)
    __builtin_memcpy(&x, p, 4);
  else
    for (int i = 0; i < n; ++i) x |= std::uint64_t(static_cast<const std::uint8_t*>(p)[i]) << (8 * i);
  return vcreate_u8(x);
}
STRETTO_INLINE uint16x4_t load_narrow(const void* p, int n, std::integral_constant<int, 2>) {
  std::uint64_t x = 0;
  if (n == 4)
    __builtin_memcpy(&x, p, 8);
  else
    for (int i = 0; i < n; ++i) x |= std::uint64_t(static_cast<const std::uint16_t*>(p)[i]) << (16 * i);
  return vcreate_u16(x);
}
STRETTO_INLINE uint32x4_t widened(uint8x8_t x) { return vmovl_u16(vget_low_u16(vmovl_u8(x))); }
STRETTO_INLINE uint32x4_t widened(uint16x4_t x) { return vmovl_u16(x); }
STRETTO_INLINE uint8x8_t zipped(uint8x8_t a, uint8x8_t b) { return vzip1_u8(a, b); }
template <class Byte>
STRETTO_INLINE uint16x8_t words_of(uint8x8_t x) {
  return std::is_signed_v<Byte> ? vreinterpretq_u16_s16(vmovl_s8(vreinterpret_s8_u8(x))) : vmovl_u8(x);
}
STRETTO_INLINE uint8x8_t load_bytes(const void* p) { return vld1_u8(static_cast<const std::uint8_t*>(p)); }
#endif

// A group's lane from its terms: as they are, or widened to 16 bits.
template <int terms, class From>
STRETTO_INLINE std::uint32_t group_of(const From* p, std::int64_t step, int n) {
  constexpr int bits = 32 / terms;
  std::uint32_t group = 0;
  for (int i = 0; i < n; ++i) group |= (std::uint32_t(p[i * step]) & ((1u << bits) - 1u)) << (i * bits);
  return group;
}

// The groups of memory's consecutive terms, `lanes` of them.
template <int terms, class From>
STRETTO_INLINE WordPairs::reg load_groups(const From* p) {
  if constexpr (terms * sizeof(From) == 4) {
    WordPairs::reg x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
  } else {
    return (WordPairs::reg)words_of<From>(load_bytes(p));
  }
}

// The groups of the first n terms, the rest 0.
template <int terms, class From>
STRETTO_INLINE WordPairs::reg load_groups(const From* p, std::int64_t n) {
  constexpr int most = terms * WordPairs::lanes;
  if (n >= most) return load_groups<terms>(p);
  From block[most] = {};
  for (std::int64_t i = 0; i < n; ++i) block[i] = p[i];
  return load_groups<terms>(block);
}

// Groups across memory: lane j holds the j-th elements of `present` rows, the other terms are 0; j < n.
template <int terms, class From>
STRETTO_INLINE WordPairs::reg interleaved(const From* p, std::int64_t row, int present, int n) {
  using Reg = WordPairs::reg;
  const auto load = [&](int i) {
    return load_narrow(p + i * row, i < present ? n : 0, std::integral_constant<int, sizeof(From)>{});
  };
  if constexpr (terms * sizeof(From) == 4) {
    constexpr int bits = 32 / terms;
    Reg group = (Reg)widened(load(0));
#pragma GCC unroll 4
    for (int i = 1; i < terms; ++i) group |= (Reg)widened(load(i)) << (i * bits);
    return group;
  } else {
    return (Reg)words_of<From>(zipped(load(0), load(1)));
  }
}

}  // namespace stretto::STRETTO_ISA
