// Groups: 32-bit lanes that hold several consecutive terms of integers of 8 or 16 bits. fma(a, b, c) adds the
// products of a group's terms to c, modulo 2^32: nothing saturates, so sums are exact in any order.
#pragma once

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
  using Reg = WordPairs::reg;
  if constexpr (terms * sizeof(From) == 4) {
    Reg x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
  } else {
    typedef From narrow __attribute__((vector_size(sizeof(Reg) / 2)));
    typedef std::int16_t wide __attribute__((vector_size(sizeof(Reg))));
    narrow x;
    __builtin_memcpy(&x, p, sizeof x);
    return (Reg) __builtin_convertvector(x, wide);
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

// Lanes from neighbouring elements, the first n of them, the rest 0.
template <class From>
STRETTO_INLINE WordPairs::reg load_widened(const From* p, int n) {
  constexpr int lanes = WordPairs::lanes;
  typedef From narrow __attribute__((vector_size(lanes * sizeof(From))));
  typedef std::int32_t wide __attribute__((vector_size(4 * lanes)));
  narrow x = {};
#if defined(__AVX512BW__)
  const __mmask16 first = Vec<float>::first(n);
  if constexpr (sizeof(From) == 1)
    x = (narrow)_mm_maskz_loadu_epi8(first, p);
  else
    x = (narrow)_mm256_maskz_loadu_epi16(first, p);
#else
  if (n == lanes)
    __builtin_memcpy(&x, p, sizeof x);
  else
    for (int i = 0; i < n; ++i) x[i] = p[i];
#endif
  return (WordPairs::reg) __builtin_convertvector(x, wide);
}

// Groups across memory: lane j holds the j-th elements of `present` rows, the other terms are 0; j < n.
template <int terms, class From>
STRETTO_INLINE WordPairs::reg interleaved(const From* p, std::int64_t row, int present, int n) {
  constexpr int bits = 32 / terms;
  WordPairs::reg group = {};
#pragma GCC unroll 4
  for (int i = 0; i < terms; ++i)
    if (i < present) group |= (load_widened(p + i * row, n) & ((1u << bits) - 1u)) << (i * bits);
  return group;
}

}  // namespace stretto::STRETTO_ISA
