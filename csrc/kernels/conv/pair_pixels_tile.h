// The pixels kernel's register tile for bfloat16: R output channels x V vectors of neighbouring outputs. Each
// step broadcasts a weight. Its sums are too short for a second segment.
#pragma once

#include "kernels/conv/pair_block.h"
#include "kernels/conv/pixels_tile.h"

namespace stretto::STRETTO_ISA {

template <int R, int V>
[[gnu::noinline]] void run_pair_pixels_tile(const PixelsTile<float>& t) {
  constexpr int lanes = Vec<float>::lanes;
  Vec<float> acc[R][V];
  alignas(64) float sums[R * V * lanes];
  const float* w = t.w;
  for (std::int64_t b = 0;; ++b) {  // there is at least one
    const PairBlock& block = t.blocks[b];
    const auto operands = [&](int i) __attribute__((always_inline)) {
      return PairOperands{w + i * R, t.strip + block.offset[i]};
    };
    sum_pairs(block, t.vector, operands, acc);
    add_to_sums(sums, b == 0, acc);
    if (b + 1 == t.block_count) return put_pixels(t, acc);
    store_sums(acc, sums);
    w += (block.even + block.odd) * R;
  }
}

template <int V, int R = 1>
STRETTO_INLINE PixelsFunction<float> pair_pixels_tile_of(int outputs) {
  if constexpr (R < kTileOutputs) {
    if (outputs != R) return pair_pixels_tile_of<V, R + 1>(outputs);
  }
  return run_pair_pixels_tile<R, V>;
}

STRETTO_INLINE PixelsFunction<float> pair_pixels_tile_of(int outputs, int vectors) {
  return vectors == 1   ? pair_pixels_tile_of<1>(outputs)
         : vectors == 2 ? pair_pixels_tile_of<2>(outputs)
                        : pair_pixels_tile_of<3>(outputs);
}

}  // namespace stretto::STRETTO_ISA
