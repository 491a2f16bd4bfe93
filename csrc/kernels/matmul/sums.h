// How sums of products are formed: which tiles, how many terms at once, and how operands are copied for them.
#pragma once

#include "base/counts.h"
#include "kernels/segment.h"
#include "kernels/tile/copy_terms.h"
#include "kernels/tile/pack.h"
#include "kernels/tile/tile.h"
#include "simd/narrow.h"

namespace stretto::STRETTO_ISA {

// Terms of a sum between spills: a block of a stays in L1.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kBlockTerms = 256;
inline constexpr std::int64_t kBlockBytes = 512 << 10;  // of b, which stays in L2
#else
inline constexpr int kBlockTerms = 384;
inline constexpr std::int64_t kBlockBytes = 256 << 10;
#endif

template <class T>
inline constexpr int kPanel = kVectors * Vec<T>::lanes;
// A panel's block of terms leaves room for rows of a in the L1 cache.
template <class T>
inline constexpr bool kPanelStays = kPanel<T> * kBlockTerms * sizeof(T) <= (24 << 10);

// Part `index` of `parts` nearly equal parts of n begins here.
STRETTO_INLINE std::int64_t part(std::int64_t n, std::int64_t parts, std::int64_t index) {
  return n / parts * index + least(index, n % parts);
}

// The tile whose last vector is of type Last.
template <class T, class Last>
STRETTO_INLINE TileFunction<T> tile_for_tail(int rows, int vectors, int tail) {
  return vectors == 1 ? tile_for<Last, Last, 1>(rows, 1, tail) : tile_for<Vec<T>, Last>(rows, vectors, tail);
}

// The tile for `rows` rows and `columns` columns, with vectors no wider than needed.
template <class T>
STRETTO_INLINE TileFunction<T> tile_for_columns(int rows, int columns, int& tail) {
  constexpr int lanes = Vec<T>::lanes;
  const int vectors = (columns + lanes - 1) / lanes;
  tail = columns - (vectors - 1) * lanes;
#if defined(__AVX2__)
  if constexpr (is_same<T, float> || is_same<T, double>) {
    constexpr int least = 16 / int(sizeof(T));
    if (tail <= least) return tile_for_tail<T, Narrow<T, least>>(rows, vectors, tail);
    if constexpr (lanes > 2 * least)
      if (tail <= 2 * least) return tile_for_tail<T, Narrow<T, 2 * least>>(rows, vectors, tail);
  }
#endif
  return tile_for<Vec<T>>(rows, vectors, tail);
}

// Where nothing is to be set up before tiles are computed.
struct NoSession {
  NoSession() {}
};

// What stays in which cache: `block_slots` elements of a panel's column; `pass_bytes` of b that rows of a are
// copied for, which need no L2 cache where panels stay in L1; and `rows_bytes` of row blocks of a that pass
// by a panel, fewer than one of which are one.
template <class T>
struct CacheBlocks {
  static constexpr std::int64_t block_slots = kBlockTerms,
                                pass_bytes = kPanelStays<T> ? 1 << 20 : kBlockBytes,
                                rows_bytes = kPanelStays<T> ? 128 << 10 : 0;
  static constexpr bool fetches_result = true;  // for the tile, before its terms
};

// How Region forms its sums: one chain an output. Blocks of terms are whole granules, of which panels and
// copied rows hold `terms` in `slots` elements. A step of a tile's fma takes as long as `pace` terms.
template <class T>
struct Chains : CacheBlocks<T> {
  using Session = NoSession;
  static constexpr int terms = 1, slots = 1, granule = 1, pace = 1, corrections = 0;
  static constexpr bool corrects = false;
  static constexpr std::int64_t segment = kSegment;
  STRETTO_INLINE static int rows(std::int64_t vectors) {
    return tile_rows<Vec<T>>(vectors < kVectors ? int(vectors) : kVectors);
  }
  STRETTO_INLINE static TileFunction<T> tile_for(int rows, int columns, int& tail) {
    return tile_for_columns<T>(rows, columns, tail);
  }
  // The panels of so many columns, one after the other.
  template <class From>
  STRETTO_INLINE static void pack(const From* b, std::int64_t row, std::int64_t col, std::int64_t k,
                                  std::int64_t columns, T* to) {
    constexpr int width = kPanel<T>;
    const std::int64_t stretch = col == 1 ? 16 : greatest(1, k);
    for (std::int64_t p = 0; p < k; p += stretch)
      for (std::int64_t j = 0; j < columns; j += width)
        pack_panel<T, From>(b + p * row + j * col, row, col, least(stretch, k - p),
                            int(least(width, columns - j)), to + j * k + p * width, width);
  }
  template <class From>
  STRETTO_INLINE static Rows<T> copy(const From* a, std::int64_t row, std::int64_t col, int rows,
                                     std::int64_t k, T* to) {
    if constexpr (kPanelStays<T> && (is_same<T, float> || is_same<T, double>))
      if (col == 1) return copy_terms<T, From>(a, row, rows, k, to);
    if constexpr (is_same<T, From> && kPanelStays<T>)
      if (row == 1 && col >= Vec<T>::lanes) return copy_columns(a, col, rows, k, to);
    return copy_rows<T, From>(a, row, col, rows, k, to);
  }
};

// Elements that hold so many terms, whole granules of them.
template <class Sums>
STRETTO_INLINE std::int64_t slots_of(std::int64_t terms) {
  return terms * Sums::slots / Sums::terms;
}

// Elements of a panel of k terms, with its rows of corrections in front.
template <class T, class Sums>
STRETTO_INLINE std::int64_t panel_size(std::int64_t k) {
  return kPanel<T> * (Sums::corrections + slots_of<Sums>(divide_up(k, Sums::granule) * Sums::granule));
}

}  // namespace stretto::STRETTO_ISA
