// The register tile of bfloat16 products: blocks of 32 terms, an even and an odd chain each, subnormals zero.
//
// Operands are float32 panels that hold bfloat16 values, padded with zeros to whole blocks.
#pragma once

#include "kernels/matmul/region.h"
#include "kernels/tile/pair_steps.h"

namespace stretto::STRETTO_ISA {

constexpr int pair_rows(int vectors) {
  const int rows = (kRegisters - vectors - 1) / (2 * vectors);
  return rows < 8 ? rows : 8;
}

template <int rows, int vectors>
[[gnu::noinline]] void pair_chains(const Tile<float>& t) {
  using V = Vec<float>;
  constexpr int groups = (rows + 2) / 3;
  const std::int64_t a_row = t.a_row, a_col = t.a_col, b_row = t.b_row;
  const auto lanes_of = [&](int v) { return v == vectors - 1 ? t.tail : V::lanes; };
  const float* a[groups];
  for (int g = 0; g < groups; ++g) a[g] = t.a + 3 * g * a_row;
  const float* b = t.b;
  bool begins = t.start == nullptr;
  if (t.k == 0 && begins)
    for (int i = 0; i < rows; ++i)
      for (int v = 0; v < vectors; ++v) V::zero().store(t.c + i * t.c_row + v * V::lanes, lanes_of(v));
  for (std::int64_t p = 0; p < t.k; p += kPairTerms) {
    V sum[2][rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[0][i][v] = sum[1][i][v] = V::zero();
    for (int q = 0; q < kPairTerms; q += 2) {
#pragma GCC unroll 2
      for (int odd = 0; odd < 2; ++odd) {
        V right[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) right[v] = pair_operand(V::load(b + v * V::lanes));
        b += b_row;
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
          const V left = pair_operand(V::broadcast(a[i / 3][i % 3 * a_row]));
#pragma GCC unroll 4
          for (int v = 0; v < vectors; ++v) sum[odd][i][v] = pair_fma(left, right[v], sum[odd][i][v]);
        }
#pragma GCC unroll 16
        for (int g = 0; g < groups; ++g) a[g] += a_col;
      }
    }
    const float* from = p == 0 ? t.start : t.c;
    const std::int64_t from_row = p == 0 ? t.start_row : t.c_row;
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const V pair = pair_add(sum[0][i][v], sum[1][i][v]);
        const V acc =
            begins ? V::zero() : pair_operand(V::load(from + i * from_row + v * V::lanes, lanes_of(v)));
        pair_add(acc, pair).store(t.c + i * t.c_row + v * V::lanes, lanes_of(v));
      }
    begins = false;
  }
}

// As `tile`, in the order of the pairs. The sum over segments does not flush.
template <int rows, int vectors>
[[gnu::noinline]] void pair_tile(const Tile<float>& t) {
  using V = Vec<float>;
  fetch_at_once(t);
  alignas(64) float block[rows * vectors * V::lanes];  // apart, as c may be the total itself
  Tile<float> chains = t;
  if (t.total) {
    chains.c = block;
    chains.c_row = vectors * V::lanes;
  }
  {
    [[maybe_unused]] const FlushToZero flush_to_zero;
    pair_chains<rows, vectors>(chains);
  }
  if (!t.total) return;
  for (int i = 0; i < rows; ++i)
    for (int v = 0; v < vectors; ++v) {
      const int n = v == vectors - 1 ? t.tail : V::lanes;
      const V sum = V::load(t.total + i * t.total_row + v * V::lanes, n) +
                    V::load(chains.c + i * chains.c_row + v * V::lanes, n);
      sum.store(t.c + i * t.c_row + v * V::lanes, n);
    }
}

template <int rows, int vectors>
constexpr TileFunction<float> pair_or_null() {
  if constexpr (rows <= pair_rows(vectors))
    return pair_tile<rows, vectors>;
  else
    return nullptr;
}

template <int vectors>
inline constexpr TileFunction<float> pair_tiles[8] = {pair_or_null<1, vectors>(), pair_or_null<2, vectors>(),
                                                      pair_or_null<3, vectors>(), pair_or_null<4, vectors>(),
                                                      pair_or_null<5, vectors>(), pair_or_null<6, vectors>(),
                                                      pair_or_null<7, vectors>(), pair_or_null<8, vectors>()};

// How Region forms sums of bfloat16 products.
struct Pairs : CacheBlocks<float> {
  using Session = NoSession;
  static constexpr int terms = 1, slots = 1, granule = kPairTerms, pace = 1, corrections = 0;
  static constexpr bool corrects = false, fetches_result = false;
  static constexpr std::int64_t segment = kSegment;
  STRETTO_INLINE static int rows(std::int64_t vectors) {
    return pair_rows(vectors < kVectors ? int(vectors) : kVectors);
  }
  STRETTO_INLINE static TileFunction<float> tile_for(int rows, int columns, int& tail) {
    const int vectors = (columns + Vec<float>::lanes - 1) / Vec<float>::lanes;
    tail = columns - (vectors - 1) * Vec<float>::lanes;
    if constexpr (kVectors > 2) {
      if (vectors == 4) return pair_tiles<4>[rows - 1];
      if (vectors == 3) return pair_tiles<3>[rows - 1];
    }
    return vectors == 2 ? pair_tiles<2>[rows - 1] : pair_tiles<1>[rows - 1];
  }
  STRETTO_INLINE static void pack(const bfloat16* b, std::int64_t row, std::int64_t col, std::int64_t k,
                                  std::int64_t columns, float* to) {
    constexpr int width = kPanel<float>;
    for (std::int64_t j = 0; j < columns; j += width)
      pack_panel<float, bfloat16, granule>(b + j * col, row, col, k, int(least(width, columns - j)),
                                           to + j / width * panel_size<float, Pairs>(k), width);
  }
  STRETTO_INLINE static Rows<float> copy(const bfloat16* a, std::int64_t row, std::int64_t col, int rows,
                                         std::int64_t k, float* to) {
    return copy_rows<float, bfloat16, granule>(a, row, col, rows, k, to);
  }
};

}  // namespace stretto::STRETTO_ISA
