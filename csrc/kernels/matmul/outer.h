// Products of few terms, which are done sooner than their result is written: it is, row by row, in the order
// in which it lies.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

inline constexpr int kOuterTerms = 6;
inline constexpr std::int64_t kOuterRows = 4;
inline constexpr std::int64_t kOuterGroupBytes = 1 << 20;  // of a result, at a time
inline constexpr std::int64_t kOuterColumns = 64;          // fewer are better a part of a tile
inline constexpr std::int64_t kOuterBytes = 256 << 10;     // of b, which stays in the L2 cache

template <class T>
struct Outer {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;  // columns are adjacent
  std::int64_t b_row;
  T* c;  // columns are adjacent
  std::int64_t c_row;
  std::int64_t columns;
};

// The next row. The first and the last vector overlap others, which are aligned.
template <class T, int terms>
STRETTO_INLINE void outer_row(const Outer<T>& o) {
  using V = Vec<T>;
  constexpr int lanes = V::lanes;
  V left[terms];
#pragma GCC unroll 8
  for (int p = 0; p < terms; ++p) left[p] = V::broadcast(o.a[p * o.a_col]);
  const auto add_terms = [&](std::int64_t j) __attribute__((always_inline)) {
    V sum = V::zero();
#pragma GCC unroll 8
    for (int p = 0; p < terms; ++p) sum = fma(left[p], V::load(o.b + p * o.b_row + j), sum);
    sum.store(o.c + j);
  };
  add_terms(0);
  std::int64_t j = lanes - std::int64_t(reinterpret_cast<std::uintptr_t>(o.c) / sizeof(T) % lanes);
  constexpr int vectors = terms > 2 ? 2 : 4;  // at a time: few terms are soon added
  for (; j + vectors * lanes <= o.columns; j += vectors * lanes)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) add_terms(j + v * lanes);
  for (; j + lanes <= o.columns; j += lanes) add_terms(j);
  add_terms(o.columns - lanes);
}

template <class T, int terms>
[[gnu::noinline]] void outer_rows(Outer<T> o, std::int64_t rows) {
  for (std::int64_t i = 0; i < rows; ++i, o.a += o.a_row, o.c += o.c_row) outer_row<T, terms>(o);
}

// So many rows with all of their columns.
template <class T>
[[gnu::noinline]] void outer_region(const Region<T, T, T, Chains<T>>& region, std::int64_t r0,
                                    std::int64_t r1, std::int64_t columns) {
  const Finish<T, T, T>& finish = region.finish;
  const bool lies_well = region.b_col == 1;
  const Scratch copied(lies_well ? 0 : region.k * columns * std::int64_t(sizeof(T)));
  if (!lies_well)
    for (std::int64_t j = 0; j < columns; ++j)
      for (std::int64_t p = 0; p < region.k; ++p)
        copied.as<T>()[p * columns + j] = region.b[p * region.b_row + j * region.b_col];
  const Outer<T> all{region.a,
                     region.a_row,
                     region.a_col,
                     lies_well ? region.b : copied.as<T>(),
                     lies_well ? region.b_row : columns,
                     finish.out,
                     finish.out_row,
                     columns};
  const std::int64_t rows_at_once = finish.is_empty() ? r1 - r0 : 1;  // until their epilogue is formed
  for (std::int64_t i = r0; i < r1; i += rows_at_once) {
    Outer<T> o = all;
    o.a += i * o.a_row;
    o.c += i * o.c_row;
    static_assert(kOuterTerms == 6);
    region.k == 1   ? outer_rows<T, 1>(o, rows_at_once)
    : region.k == 2 ? outer_rows<T, 2>(o, rows_at_once)
    : region.k == 3 ? outer_rows<T, 3>(o, rows_at_once)
    : region.k == 4 ? outer_rows<T, 4>(o, rows_at_once)
    : region.k == 5 ? outer_rows<T, 5>(o, rows_at_once)
                    : outer_rows<T, 6>(o, rows_at_once);
    if (!finish.is_empty()) finish.run(o.c, o.c_row, i, 1, 0, columns);
  }
}

}  // namespace stretto::STRETTO_ISA
