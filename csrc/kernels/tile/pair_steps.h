// The four kinds of steps of the contract's bfloat16 sums, on vectors, with subnormals as zeros.
//
// On x86 the control word does it: pair_fma and pair_add flush only while a FlushToZero lives.
#pragma once

#include "kernels/tile/flush.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

#if defined(__x86_64__)

// Subnormal inputs and results are zeros while this lives; used only around functions that are not inlined.
class FlushToZero {
 public:
  STRETTO_INLINE FlushToZero() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040u); }
  STRETTO_INLINE ~FlushToZero() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
};

STRETTO_INLINE Vec<float> pair_fma(Vec<float> a, Vec<float> b, Vec<float> c) { return fma(a, b, c); }
STRETTO_INLINE Vec<float> pair_add(Vec<float> a, Vec<float> b) { return a + b; }
STRETTO_INLINE Vec<float> pair_operand(Vec<float> a) { return a; }

#else

// FPCR.FZ decides before rounding, where the contract decides after: so each step is flushed here.
class FlushToZero {};

STRETTO_INLINE Vec<float> flushed(Vec<float> x) {
  const Vec<float> least = Vec<float>::broadcast(kLeastNormal);
  const uint32x4_t small = vandq_u32(vcagtq_f32(least.v, x.v), vdupq_n_u32(0x7fffffffu));
  return {vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x.v), small))};
}
STRETTO_INLINE Vec<float> pair_fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  const Vec<float> r = fma(a, b, c);
  const uint32x4_t edge =
      vandq_u32(vcageq_f32(r.v, vdupq_n_f32(kLeastNormal)), vcaleq_f32(r.v, vdupq_n_f32(kLeastNormal)));
  if (vmaxvq_u32(edge) == 0) return flushed(r);
  float x[4], y[4], z[4];
  a.store(x);
  b.store(y);
  c.store(z);
  for (int i = 0; i < 4; ++i) z[i] = flushed_fma(x[i], y[i], z[i]);
  return Vec<float>::load(z);
}
STRETTO_INLINE Vec<float> pair_add(Vec<float> a, Vec<float> b) { return flushed(a + b); }
STRETTO_INLINE Vec<float> pair_operand(Vec<float> a) { return flushed(a); }

#endif

}  // namespace stretto::STRETTO_ISA
