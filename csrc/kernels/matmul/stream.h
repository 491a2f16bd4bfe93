// Few rows of a against a large b: b is read once, row by row, as it lies in memory; the accumulators stay in
// the L1 cache.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

inline constexpr int kStreamRows = 8;
inline constexpr int kStreamTerms = 8;                  // rows of b at a time
inline constexpr std::int64_t kStreamBytes = 16 << 10;  // of a row at a time: long pieces of each page of b

template <class T>
struct Stream {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row;
  T* sums;
  std::int64_t sums_row;
};

// sums[i, j] continues with terms p0 .. p0 + terms - 1, or begins with them.
template <class T, int rows, int terms>
STRETTO_INLINE void stream_terms(const Stream<T>& s, std::int64_t p0, std::int64_t columns, bool begins) {
  using V = Vec<T>;
  T left[rows][terms];
  for (int i = 0; i < rows; ++i)
    for (int q = 0; q < terms; ++q) left[i][q] = s.a[i * s.a_row + (p0 + q) * s.a_col];
  const T* b = s.b + p0 * s.b_row;
  const auto step = [&](std::int64_t j, int n) __attribute__((always_inline)) {
    V acc[rows];
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i)
      acc[i] = begins          ? V::zero()
               : n == V::lanes ? V::load(s.sums + i * s.sums_row + j)
                               : V::load(s.sums + i * s.sums_row + j, n);
#pragma GCC unroll 8
    for (int q = 0; q < terms; ++q) {
      const T* from = b + q * s.b_row + j;
      if constexpr (terms == kStreamTerms) __builtin_prefetch(from + terms * s.b_row, 0, 2);
      const V right = n == V::lanes ? V::load(from) : V::load(from, n);
#pragma GCC unroll 8
      for (int i = 0; i < rows; ++i) acc[i] = fma(V::broadcast(left[i][q]), right, acc[i]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      T* to = s.sums + i * s.sums_row + j;
      if (n == V::lanes)
        acc[i].store(to);
      else
        acc[i].store(to, n);
    }
  };
  std::int64_t j = 0;
  for (; j + V::lanes <= columns; j += V::lanes) step(j, V::lanes);
  if (j < columns) step(j, int(columns - j));
}

template <class T, int rows>
[[gnu::noinline]] void stream(const Stream<T>& s, std::int64_t k0, std::int64_t k1, std::int64_t columns) {
  std::int64_t p = k0;
  for (; p + kStreamTerms <= k1; p += kStreamTerms)
    stream_terms<T, rows, kStreamTerms>(s, p, columns, p == k0);
  for (; p < k1; ++p) stream_terms<T, rows, 1>(s, p, columns, p == k0);
}

template <class T>
using StreamFunction = void (*)(const Stream<T>&, std::int64_t, std::int64_t, std::int64_t);

template <class T>
inline constexpr StreamFunction<T> streams[kStreamRows] = {stream<T, 1>, stream<T, 2>, stream<T, 3>,
                                                           stream<T, 4>, stream<T, 5>, stream<T, 6>,
                                                           stream<T, 7>, stream<T, 8>};

// Columns j0..j1 of a result of at most kStreamRows rows.
template <class T, class Out>
STRETTO_INLINE void stream_region(const Region<T, T, Out, Chains<T>>& region, int rows, std::int64_t j0,
                                  std::int64_t j1) {
  const std::int64_t columns = j1 - j0;
  const Finish<T, T, Out>& finish = region.finish;
  bool is_direct = false;
  if constexpr (is_same<T, Out>) is_direct = finish.out_col == 1;
  const bool has_segments = region.k > kSegment;
  const Scratch block(is_direct && !has_segments ? 0 : 2 * rows * columns * std::int64_t(sizeof(T)));
  T* sums = block.as<T>();
  std::int64_t sums_row = columns;
  if constexpr (is_same<T, Out>) {
    if (is_direct) {
      sums = finish.out + j0;
      sums_row = finish.out_row;
    }
  }
  Stream<T> s{region.a, region.a_row, region.a_col, region.b + j0, region.b_row, sums, sums_row};
  streams<T>[rows - 1](s, 0, smaller(region.k, kSegment), columns);
  for (std::int64_t k0 = kSegment; k0 < region.k; k0 += kSegment) {
    s.sums = block.as<T>() + rows * columns;
    s.sums_row = columns;
    streams<T>[rows - 1](s, k0, smaller(region.k, k0 + kSegment), columns);
    for (int i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) sums[i * sums_row + j] += s.sums[i * columns + j];
  }
  if (!is_direct || !finish.is_empty()) finish.run(sums, sums_row, 0, rows, j0, columns);
}

}  // namespace stretto::STRETTO_ISA
