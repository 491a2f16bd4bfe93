// The contract's sums of several outputs at once: lanes are outputs, each stripe is a row of them.
#pragma once

#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {

// Sums of up to `lanes` outputs at once by the contract's rule: stripes of the segment at hand, of the totals
// of segments, and of the totals of those. A stripe never is -0, so the absent ones need not be added.
template <class T>
struct StripeRows {
  static constexpr int lanes = 256 / sizeof(T);
  T stripe[3][kStripes][lanes];
  std::int64_t count[3];
  std::int64_t n;  // lanes in use

  STRETTO_INLINE void start(std::int64_t used, std::int64_t taps) {
    n = used;
    const std::int64_t stripes = taps < kStripes ? taps : kStripes;
    for (std::int64_t j = 0; j < stripes; ++j)
      for (std::int64_t i = 0; i < n; ++i) stripe[0][j][i] = T(0);
    for (int level = 0; level < 3; ++level) count[level] = 0;
    if (taps < kSumSegment) return;
    for (int level = 1; level < 3; ++level)
      for (int j = 0; j < kStripes; ++j)
        for (std::int64_t i = 0; i < n; ++i) stripe[level][j][i] = T(0);
  }

  // The total of a level is left in its first stripe.
  STRETTO_INLINE void fold(int level) {
    const std::int64_t present = count[level] < kStripes ? count[level] : kStripes;
    for (int h = 8; h > 0; h /= 2) {
      for (int j = 0; j < h && j + h < present; ++j) {
        T* __restrict a = stripe[level][j];
        const T* __restrict b = stripe[level][j + h];
        if (n == lanes)
          for (std::int64_t i = 0; i < lanes; ++i) a[i] = a[i] + b[i];
        else
          for (std::int64_t i = 0; i < n; ++i) a[i] = a[i] + b[i];
      }
    }
  }

  STRETTO_INLINE void close(int level) {
    fold(level);
    T* __restrict to = stripe[level + 1][count[level + 1] % kStripes];
    for (std::int64_t i = 0; i < n; ++i) to[i] = to[i] + stripe[level][0][i];
    ++count[level + 1];
    count[level] = 0;
    for (int j = 0; j < kStripes; ++j)
      for (std::int64_t i = 0; i < n; ++i) stripe[level][j][i] = T(0);
  }

  STRETTO_INLINE void advance() {
    if (++count[0] < kSumSegment) return;
    close(0);
    if (count[1] == kSumSegment) close(1);
  }

  STRETTO_INLINE void skip(std::int64_t taps) {  // they are +0
    for (; taps > 0; --taps) advance();
  }

  template <int stride>
  STRETTO_INLINE void add(const T* __restrict x, std::int64_t any_stride) {
    T* __restrict to = stripe[0][count[0] % kStripes];
    const std::int64_t step = stride ? stride : any_stride;
    if (n == lanes)
      for (std::int64_t i = 0; i < lanes; ++i) to[i] = to[i] + x[i * step];
    else
      for (std::int64_t i = 0; i < n; ++i) to[i] = to[i] + x[i * step];
    advance();
  }

  STRETTO_INLINE const T* total() {
    if (count[1] + count[2] > 0) {
      if (count[0] > 0) close(0);
      if (count[2] == 0) {
        fold(1);
        return stripe[1][0];
      }
      if (count[1] > 0) close(1);
      fold(2);
      return stripe[2][0];
    }
    fold(0);
    return stripe[0][0];
  }
};

}  // namespace stretto::STRETTO_ISA
