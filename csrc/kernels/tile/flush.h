// The arithmetic of the bfloat16 units in plain C++: subnormal inputs and results are zeros of their sign.
#pragma once

#include <cmath>

#include "base/dtype.h"

namespace stretto {

inline constexpr float kLeastNormal = 0x1p-126f;
inline constexpr int kPairTerms = 32;  // of one block of two chains: even k and odd k

STRETTO_INLINE float flush(float x) {
  return __builtin_fabsf(x) < kLeastNormal ? __builtin_copysignf(0.0f, x) : x;
}

STRETTO_INLINE float flushed_add(float x, float y) { return flush(flush(x) + flush(y)); }

// a and b are bfloat16 values. Where the result rounded into the subnormal range is 2^-126, it is zero if,
// rounded to 24 bits as normal numbers are, it would be less: below 2^-126 - 2^-151. The test is exact, as
// a * b has 16 bits and c - 2^-126 at most 40.
STRETTO_INLINE float flushed_fma(float a, float b, float c) {
  a = flush(a);
  b = flush(b);
  c = flush(c);
  const float r = __builtin_fmaf(a, b, c);
  if (__builtin_fabsf(r) == kLeastNormal) {
    const double sign = __builtin_copysign(1.0, double(r));
    const double beyond = __builtin_fma(sign * double(a), double(b), sign * double(c) - 0x1p-126);
    if (beyond < -0x1p-151) return __builtin_copysignf(0.0f, r);
  }
  return flush(r);
}

}  // namespace stretto
