// What a register tile is called with.
#pragma once

#include <cstdint>

#include "kernels/tile/ending.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX512F__)
inline constexpr bool kHasMasks = true;
#else
inline constexpr bool kHasMasks = false;
#endif

// Memory that will be read soon, fetched between the terms of a tile: `step` bytes on at each of `terms`,
// which are those of the tile together. All at once would be more lines than the machine can have on their
// way.
struct Fetch {
  const char* at;
  std::int64_t step, terms;
};
inline constexpr int kMostFetches = 4;
inline constexpr std::int64_t kMostStep =
    kHasMasks ? 128 : 64;  // bytes fetched at a term; of a longer step, no more

// One tile, or `count` of them, whose operands lie so many steps apart.
template <class T>
struct Tile {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;  // columns are adjacent
  std::int64_t b_row;
  std::int64_t k;
  T* c;  // columns are adjacent
  std::int64_t c_row;
  const T* start = nullptr;  // accumulators so far; null: zero
  std::int64_t start_row = 0;
  const T* total = nullptr;  // sum of the segments so far, which the accumulators are added to; null: none
  std::int64_t total_row = 0;
  Ending<T> ending;
  int tail;  // columns of the last vector
  std::int64_t count = 1, a_step = 0, b_step = 0, c_step = 0, start_step = 0, total_step = 0;
  std::int64_t bias_step = 0, residual_step = 0;  // of the ending
  int rows = 0;                                   // of c; for tiles that are not made for one number of them
  bool fetches_result = false;
  int fetches = 0;
  Fetch fetch[kMostFetches];
  std::int64_t fetch_step = 0;  // bytes from what one tile fetches to what the next one does

  // Tiles of so many rows, one below the other, whose other strides are set.
  STRETTO_INLINE void go_down(std::int64_t tiles, std::int64_t height, std::int64_t step_of_a) {
    count = tiles;
    a_step = step_of_a;
    b_step = bias_step = 0;
    c_step = height * c_row;
    start_step = height * start_row;
    total_step = height * total_row;
    residual_step = height * ending.residual_row;
  }
  // Tiles of so many columns, side by side.
  STRETTO_INLINE void go_right(std::int64_t tiles, std::int64_t width, std::int64_t step_of_b) {
    count = tiles;
    a_step = 0;
    b_step = step_of_b;
    c_step = start_step = total_step = bias_step = residual_step = width;
  }
  // To the operands of the tile after so many, which begin and end their sums.
  STRETTO_INLINE void go_on(std::int64_t tiles) {
    a += tiles * a_step;
    b += tiles * b_step;
    c += tiles * c_step;
    if (ending.bias) ending.bias += tiles * bias_step;
    if (ending.residual) ending.residual += tiles * residual_step;
  }
};

// The rows of a result, which a tile stores to when all its terms are in. They need not begin with a line.
template <class T>
[[gnu::noinline]] void fetch_rows(const T* c, std::int64_t c_row, int rows, int columns) {
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i, c += c_row) {
    for (int j = 0; j < columns; j += 64 / int(sizeof(T))) __builtin_prefetch(c + j, 1);
    __builtin_prefetch(c + columns - 1, 1);
  }
}

// For tiles of few, long steps.
template <class T>
STRETTO_INLINE void fetch_at_once(const Tile<T>& t, std::int64_t index = 0) {
  for (int f = 0; f < t.fetches; ++f)
    for (std::int64_t at = 0; at < t.fetch[f].step * t.fetch[f].terms; at += 64)
      __builtin_prefetch(t.fetch[f].at + index * t.fetch_step + at, 0, 2);
}

}  // namespace stretto::STRETTO_ISA
