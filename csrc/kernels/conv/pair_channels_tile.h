// The channels kernel's register tile for bfloat16: P neighbouring outputs of a row x V vectors of output
// channels. Each step broadcasts an input element, as the other types' tile does.
#pragma once

#include "kernels/conv/channels_tile.h"
#include "kernels/conv/pair_block.h"

namespace stretto::STRETTO_ISA {

struct PairChannelsTile {
  const float* strip;       // output 0 of the tile
  const PairBlock* blocks;  // of one segment
  std::int64_t block_count;
  const float* w;  // [vector][term][lane]
  std::int64_t panel_pitch;
  bool starts;    // the segment
  bool finishes;  // the only segment
  float* sums;    // of the segment: [P][V][lanes]
  float* totals;  // of the segments before, likewise
  TilePlace<float> place;
};

template <int V, int P>
[[gnu::noinline]] void run_pair_tile(const PairChannelsTile& t) {
  constexpr int lanes = Vec<float>::lanes;
  Vec<float> acc[P][V];
  const float* w = t.w;
  if (t.block_count == 0) {  // no tap exists
    for (auto& row : acc)
      for (auto& sum : row) sum = Vec<float>::zero();
    return put(t.place, acc);
  }
  bool starts = t.starts;
  for (std::int64_t b = 0; b < t.block_count; ++b, starts = false) {
    const PairBlock& block = t.blocks[b];
    const auto operands = [&](int i) __attribute__((always_inline)) {
      return PairOperands{t.strip + block.offset[i], w + i * lanes};
    };
    sum_pairs(block, t.panel_pitch, operands, acc);
    add_to_sums(t.sums, starts, acc);
    if (t.finishes && b + 1 == t.block_count) return put(t.place, acc);
    store_sums(acc, t.sums);
    w += (block.even + block.odd) * lanes;
  }
}

// Segments are added without flushing, so apart from the tile. The first one is the total, the last one's
// goes to its place.
template <int V, int P>
[[gnu::noinline]] void add_segment(const PairChannelsTile& t, bool is_first, bool is_last) {
  constexpr int lanes = Vec<float>::lanes;
  Vec<float> acc[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) {
      const int i = (p * V + v) * lanes;
      acc[p][v] = Vec<float>::load(t.sums + i);
      if (!is_first) acc[p][v] = Vec<float>::load(t.totals + i) + acc[p][v];
    }
  if (is_last) return put(t.place, acc);
  store_sums(acc, t.totals);
}

struct PairTileFunctions {
  void (*run)(const PairChannelsTile&);
  void (*add_segment)(const PairChannelsTile&, bool is_first, bool is_last);
};

// Of the tile of `vectors` x `pixels`, which must be within the channels tile's limits.
template <int V, int P = 1>
STRETTO_INLINE PairTileFunctions pair_tile_of(int pixels) {
  if constexpr (P < kMostPixels[V]) {
    if (pixels != P) return pair_tile_of<V, P + 1>(pixels);
  }
  return {run_pair_tile<V, P>, add_segment<V, P>};
}

STRETTO_INLINE PairTileFunctions pair_tile_of(int vectors, int pixels) {
  return vectors == 1   ? pair_tile_of<1>(pixels)
         : vectors == 2 ? pair_tile_of<2>(pixels)
                        : pair_tile_of<3>(pixels);
}

}  // namespace stretto::STRETTO_ISA
