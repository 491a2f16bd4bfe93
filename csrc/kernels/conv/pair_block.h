// The blocks of terms of a bfloat16 convolution: where they lie in the strip, and how a register tile of R
// rows x V vectors of outputs adds one.
#pragma once

#include "kernels/conv/pair_order.h"
#include "kernels/conv/strip.h"
#include "kernels/tile/pair_steps.h"

namespace stretto::STRETTO_ISA {

// The terms of all blocks, as offsets in the strip.
STRETTO_INLINE void fill_pair_blocks(const Correlation& c, const PairOrder& order, const StripPlan& strip,
                                     PairBlock* blocks) {
  std::int64_t channel = 0;
  int tap = 0;
  for (std::int64_t b = 0; b < order.blocks(); ++b) {
    const int terms = int(order.terms(b));
    blocks[b].even = (terms + 1) / 2;
    blocks[b].odd = terms / 2;
    std::int64_t at = channel * strip.channel_pitch() + strip.offset(c.taps[tap]);
    for (int i = 0; i < terms; ++i) {
      blocks[b].offset[i % 2 ? blocks[b].even + i / 2 : i / 2] = std::int32_t(at);
      at += strip.channel_pitch();
      if (++channel == c.inputs) {
        channel = 0;
        if (++tap < c.tap_count) at = strip.offset(c.taps[tap]);
      }
    }
  }
}

// Of one term: the elements that the rows broadcast, and the first vector.
struct PairOperands {
  const float* elements;
  const float* vectors;
};

// acc = one chain: the terms [first, last) of a block, padded with products of zeros, which turn -0 into +0.
template <int R, int V, class Operands>
STRETTO_INLINE void pair_chain(int first, int last, std::int64_t pitch, Operands&& operands,
                               Vec<float> (&acc)[R][V]) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<float>::zero();
  for (int i = first; i < last; ++i) {
    const PairOperands at = operands(i);
    Vec<float> vector[V];
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) vector[v] = pair_operand(Vec<float>::load(at.vectors + v * pitch));
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<float> element = pair_operand(Vec<float>::broadcast(at.elements[r]));
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) acc[r][v] = pair_fma(element, vector[v], acc[r][v]);
    }
  }
  if (last - first < kPairTerms / 2) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) acc[r][v] = pair_add(acc[r][v], Vec<float>::zero());
  }
}

// acc = even + odd of a block. `operands(i)` is where its i-th term is, `pitch` the step between vectors.
template <int R, int V, class Operands>
STRETTO_INLINE void sum_pairs(const PairBlock& block, std::int64_t pitch, Operands&& operands,
                              Vec<float> (&acc)[R][V]) {
  // The even chains wait for the odd ones, in memory where both do not fit the registers.
  Vec<float> even[R][V];
  pair_chain(0, block.even, pitch, operands, even);
  pair_chain(block.even, block.even + block.odd, pitch, operands, acc);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) acc[r][v] = pair_add(even[r][v], acc[r][v]);
}

// acc = acc of the blocks before, or +0, + acc.
template <int R, int V>
STRETTO_INLINE void add_to_sums(const float* sums, bool starts, Vec<float> (&acc)[R][V]) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v)
      acc[r][v] = pair_add(
          starts ? Vec<float>::zero() : Vec<float>::load(sums + (r * V + v) * Vec<float>::lanes), acc[r][v]);
}

template <int R, int V>
STRETTO_INLINE void store_sums(const Vec<float> (&acc)[R][V], float* sums) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) acc[r][v].store(sums + (r * V + v) * Vec<float>::lanes);
}

}  // namespace stretto::STRETTO_ISA
