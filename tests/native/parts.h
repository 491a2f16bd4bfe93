// Sums of products in bfloat16 parts as plain loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/segment.h"
#include "kernels/tile/flush.h"

namespace stretto::testing {

struct Parts {
  bfloat16 at[3];
};

// Each part is the nearest bfloat16 to what the ones before left, the one away from zero of two.
inline Parts split(float x) {
  Parts parts;
  for (bfloat16& part : parts.at) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    part.bits = std::uint16_t((bits + 0x8000) >> 16);
    x -= to_float(part);
  }
  return parts;
}

inline bool is_splittable(float x) { return x == 0 || (std::fabs(x) >= 0x1p-50f && std::fabs(x) <= 0x1p60f); }

// Which part of a times which part of b, in the order of a block.
inline constexpr int kHigh[][2] = {{0, 2}, {0, 1}, {1, 1}, {1, 0}, {2, 0}, {0, 0}};
inline constexpr int kMedium[][2] = {{0, 1}, {0, 0}, {1, 0}};

struct Line {
  const float* at;
  std::int64_t step;
  float operator[](std::int64_t p) const { return at[p * step]; }
};

template <std::size_t products>
float dot_of_parts(Line a, Line b, std::int64_t k, const int (&order)[products][2]) {
  float total = 0;
  for (std::int64_t start = 0; start < k; start += kSegment) {
    const std::int64_t end = std::min<std::int64_t>(k, start + kSegment);
    float acc = 0;
    for (std::int64_t block = start; block < end; block += kPairTerms)
      for (const auto& [i, j] : order) {
        float chain[2] = {0, 0};
        for (int q = 0; q < kPairTerms; ++q) {
          const std::int64_t p = block + q;
          const float x = p < end ? to_float(split(a[p]).at[i]) : 0,
                      y = p < end ? to_float(split(b[p]).at[j]) : 0;
          chain[q % 2] = flushed_fma(x, y, chain[q % 2]);
        }
        acc = flushed_add(acc, flushed_add(chain[0], chain[1]));
      }
    total = start == 0 ? acc : total + acc;
  }
  return total;
}

inline bool all_splittable(Line x, std::int64_t k) {
  for (std::int64_t p = 0; p < k; ++p)
    if (!is_splittable(x[p])) return false;
  return true;
}

}  // namespace stretto::testing
