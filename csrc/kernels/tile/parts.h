// float32 as a sum of bfloat16 parts, each in the upper half of 32 bits: three hold every bit of it.
#pragma once

#include "simd/convert.h"

namespace stretto::STRETTO_ISA {

// Bits of the nearest bfloat16, of numbers far from infinity; of two, the one away from zero.
STRETTO_INLINE Vec<std::uint32_t> nearest_part(Vec<float> x) {
  using Bits = Vec<std::uint32_t>;
  return (bits(x) + Bits::broadcast(0x8000)) & Bits::broadcast(0xffff0000u);
}

template <int parts>
STRETTO_INLINE void split(Vec<float> x, Vec<std::uint32_t> (&part)[parts]) {
#pragma GCC unroll 3
  for (int q = 0; q < parts; ++q) {
    part[q] = nearest_part(x);
    x = x - from_bits(part[q]);  // exact
  }
}

// A part's elements as bfloat16.
STRETTO_INLINE void store_part(Vec<std::uint32_t> part, bfloat16* to) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(shift_right<16>(part).v));
#else
  from_bits(part).store(to);
#endif
}

// Whether elements are 0, or magnitudes whose parts have products that are normal numbers and far from
// infinity, lane by lane.
class PartRange {
 public:
  STRETTO_INLINE void add(Vec<float> x) {
    const Bits twice = shift_left<1>(bits(x));  // no sign; 0 becomes the largest when 1 is taken from it
    most_ = max(most_, twice);
    least_ = min(least_, twice - Bits::broadcast(1));
  }
  // Sets outside[i] where lane i had an element outside.
  STRETTO_INLINE void mark(int n, bool* outside) const {
    std::uint32_t most[Bits::lanes], least[Bits::lanes];
    from_bits(most_).store(reinterpret_cast<float*>(most));
    from_bits(least_).store(reinterpret_cast<float*>(least));
    for (int i = 0; i < n; ++i)
      if (most[i] > kMost || least[i] < kLeast - 1) outside[i] = true;
  }
  STRETTO_INLINE bool has_outside() const {
    bool outside[Bits::lanes] = {}, any = false;
    mark(Bits::lanes, outside);
    for (const bool lane : outside) any |= lane;
    return any;
  }

 private:
  using Bits = Vec<std::uint32_t>;
  static constexpr std::uint32_t kLeast = (127 - 50) << 24, kMost = (127u + 60) << 24;  // 2^-50, 2^60, twice
  Bits most_ = Bits::broadcast(0), least_ = Bits::broadcast(0xffffffffu);
};

}  // namespace stretto::STRETTO_ISA
