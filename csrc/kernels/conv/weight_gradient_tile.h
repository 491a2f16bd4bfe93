// The register tile of the weight gradient: one vector of output channels x P pairs (input channel, tap). The
// sums walk along positions; each step broadcasts an element of x for every pair.
#pragma once

#include "kernels/conv/strip.h"
#include "kernels/tile/pair_steps.h"

namespace stretto::STRETTO_ISA {

inline constexpr int kPairs = 6;  // of a full tile

// f.operator()<P>() for P = pairs.
template <int P = kPairs, class F>
STRETTO_INLINE void for_tile_of(int pairs, F&& f) {
  if constexpr (P > 1) {
    if (pairs != P) return for_tile_of<P - 1>(pairs, f);
  }
  f.template operator()<P>();
}

// sums[j] += x[j] * grad over positions, in order; x[j] walks along the strip.
template <class T, int P>
[[gnu::noinline]] void accumulate(const T* const* x, const T* grad, std::int64_t positions, T* sums) {
  constexpr int lanes = Vec<T>::lanes;
  const T* from[P];
  Vec<T> acc[P];
#pragma GCC unroll 6
  for (int j = 0; j < P; ++j) {
    from[j] = x[j];
    acc[j] = Vec<T>::load(sums + j * lanes);
  }
  for (std::int64_t p = 0; p < positions; ++p) {
    const Vec<T> g = Vec<T>::load(grad + p * lanes);
#pragma GCC unroll 6
    for (int j = 0; j < P; ++j) acc[j] = fma(g, Vec<T>::broadcast(from[j][p]), acc[j]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < P; ++j) acc[j].store(sums + j * lanes);
}

// bfloat16: a block's chains, which may begin in one row of positions and end in another.
struct PairSums {
  float *sums, *even, *odd;
};

// The same for bfloat16; `at` is the place of the first position in its block.
template <int P>
[[gnu::noinline]] void accumulate_pairs(const float* const* x, const float* grad, std::int64_t positions,
                                        int at, const PairSums& t) {
  constexpr int lanes = Vec<float>::lanes;
  const float* from[P];
  Vec<float> even[P], odd[P];
#pragma GCC unroll 6
  for (int j = 0; j < P; ++j) {
    from[j] = x[j];
    even[j] = Vec<float>::load(t.even + j * lanes);
    odd[j] = Vec<float>::load(t.odd + j * lanes);
  }
  const auto step = [&](std::int64_t p, Vec<float>(&acc)[P]) __attribute__((always_inline)) {
    const Vec<float> g = pair_operand(Vec<float>::load(grad + p * lanes));
#pragma GCC unroll 6
    for (int j = 0; j < P; ++j) acc[j] = pair_fma(g, pair_operand(Vec<float>::broadcast(from[j][p])), acc[j]);
  };
  for (std::int64_t p = 0; p < positions;) {
    const std::int64_t end = p + least(positions - p, kPairTerms - at);
    const bool begins_odd = at % 2 == 1;
    at += int(end - p);
    if (begins_odd) step(p++, odd);
    for (; p + 1 < end; p += 2) {
      step(p, even);
      step(p + 1, odd);
    }
    if (p < end) step(p++, even);
    if (at < kPairTerms) continue;
    at = 0;
#pragma GCC unroll 6
    for (int j = 0; j < P; ++j) {
      pair_add(Vec<float>::load(t.sums + j * lanes), pair_add(even[j], odd[j])).store(t.sums + j * lanes);
      even[j] = odd[j] = Vec<float>::zero();
    }
  }
#pragma GCC unroll 6
  for (int j = 0; j < P; ++j) {
    even[j].store(t.even + j * lanes);
    odd[j].store(t.odd + j * lanes);
  }
}

// Ends a block of fewer than 32 terms for `size` sums: what the products of zeros that fill it change is -0.
[[gnu::noinline]] inline void end_pair_block(const PairSums& t, std::int64_t size, int terms) {
  const Vec<float> zero = Vec<float>::zero();
  for (std::int64_t i = 0; i < size; i += Vec<float>::lanes) {
    Vec<float> even = Vec<float>::load(t.even + i);
    if (terms < kPairTerms - 1) even = pair_add(even, zero);
    const Vec<float> odd = pair_add(Vec<float>::load(t.odd + i), zero);
    pair_add(Vec<float>::load(t.sums + i), pair_add(even, odd)).store(t.sums + i);
    zero.store(t.even + i);
    zero.store(t.odd + i);
  }
}

}  // namespace stretto::STRETTO_ISA
