// Sums of products of integers of 8 and 16 bits, several terms a step.
#pragma once

#include "kernels/matmul/region.h"
#include "kernels/tile/groups.h"

namespace stretto::STRETTO_ISA {

// How Region forms them. They are exact in any order, so all terms are one segment.
template <class A, class B>
struct Groups : CacheBlocks<std::int32_t> {
  using Vector = GroupVector<B>;
  using Session = NoSession;
  static constexpr int terms = Vector::terms, slots = 1, granule = terms, pace = terms;
  static constexpr int corrections = kCorrections<B>;
  static constexpr bool corrects = kFlip<A, B> != 0;
  static constexpr std::int64_t segment = std::int64_t(1) << 62;

  STRETTO_INLINE static int rows(std::int64_t vectors) {
    return tile_rows<Vector>(vectors < kVectors ? int(vectors) : kVectors);
  }
  STRETTO_INLINE static TileFunction<std::int32_t> tile_for(int rows, int columns, int& tail) {
    const int vectors = (columns + Vector::lanes - 1) / Vector::lanes;
    tail = columns - (vectors - 1) * Vector::lanes;
    return stretto::STRETTO_ISA::tile_for<Vector>(rows, vectors, tail);
  }
  // Rows of bytes are shorter than lines of the cache are: a few of them at a time, for all panels.
  STRETTO_INLINE static void pack(const B* b, std::int64_t row, std::int64_t col, std::int64_t k,
                                  std::int64_t columns, std::int32_t* to) {
    constexpr int width = kPanel<std::int32_t>;
    const std::int64_t stretch = col == 1 ? 4 * terms : greatest(1, k);
    const std::int64_t size = panel_size<std::int32_t, Groups>(k);
    for (std::int64_t p = 0; p < k; p += stretch)
      for (std::int64_t j = 0; j < columns; j += width)
        pack_groups<Vector>(b + p * row + j * col, row, col, least(stretch, k - p),
                            int(least(width, columns - j)),
                            to + j / width * size + (corrections + p / terms) * width, width);
    if constexpr (corrections)
      for (std::int64_t j = 0; j < columns; j += width)
        correct<B>(to + j / width * size, divide_up(k, terms), width);
  }
  STRETTO_INLINE static Rows<std::int32_t> copy(const A* a, std::int64_t row, std::int64_t col, int rows,
                                                std::int64_t k, std::int32_t* to) {
    return copy_groups<terms>(a, row, col, rows, k, kFlip<A, B>, to);
  }
};

}  // namespace stretto::STRETTO_ISA
