// Few rows of a against a large b: b is read once, row by row, as it lies in memory; the accumulators stay in
// the L1 cache.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

inline constexpr int kStreamRows = 8;
inline constexpr std::int64_t kStreamBytes = 16 << 10;  // of a row at a time: long pieces of each page of b

// Rows of b at a time. Few streams suit the machine's own fetching best, and sums of few rows are soon read
// again; of one row, which are half of all loads, less often.
template <int rows>
inline constexpr int kStreamTerms = kHasMasks || rows > 4 || rows == 1 ? 8 : 4;

template <class T>
struct Stream {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row;
  T* sums;
  std::int64_t sums_row;
  std::int64_t ahead;  // what is fetched while an element of b is read
};

// Columns j .. j + n - 1: `vectors` whole ones, or a part of one.
template <class T, int rows, int terms, int vectors, bool fetches>
STRETTO_INLINE void stream_step(const Stream<T>& s, const T (&left)[rows][terms], const T* b, std::int64_t j,
                                int n, bool begins) {
  using V = Vec<T>;
  V acc[rows][vectors];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const T* const from = s.sums + i * s.sums_row + j + v * V::lanes;
      acc[i][v] = begins ? V::zero() : n == V::lanes ? V::load(from) : V::load(from, n);
    }
#pragma GCC unroll 8
  for (int q = 0; q < terms; ++q) {
    const T* const from = b + q * s.b_row + j;
    if constexpr (fetches) __builtin_prefetch(from + s.ahead, 0, 2);
    V right[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      right[v] = n == V::lanes ? V::load(from + v * V::lanes) : V::load(from + v * V::lanes, n);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) acc[i][v] = fma(V::broadcast(left[i][q]), right[v], acc[i][v]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      T* const to = s.sums + i * s.sums_row + j + v * V::lanes;
      if (n == V::lanes)
        acc[i][v].store(to);
      else
        acc[i][v].store(to, n);
    }
}

// sums[i, j] continues with terms p0 .. p0 + terms - 1, or begins with them.
template <class T, int rows, int terms>
STRETTO_INLINE void stream_terms(const Stream<T>& s, std::int64_t p0, std::int64_t columns, bool begins) {
  // Whole lines of the cache at a time, where the registers hold their sums; of one row they hold those of
  // several: the machine itself then fetches fast enough.
  constexpr int lanes = Vec<T>::lanes, line = 64 / int(sizeof(Vec<T>));
  constexpr bool is_single = rows == 1, fetches = terms > 1 && !is_single;
  constexpr int vectors = is_single ? (kHasMasks ? 4 : 2) * line : (rows + 1) * line < kRegisters ? line : 1;
  T left[rows][terms];
  for (int i = 0; i < rows; ++i)
    for (int q = 0; q < terms; ++q) left[i][q] = s.a[i * s.a_row + (p0 + q) * s.a_col];
  const T* const b = s.b + p0 * s.b_row;
  std::int64_t j = 0;
  for (; j + vectors * lanes <= columns; j += vectors * lanes)
    stream_step<T, rows, terms, vectors, fetches>(s, left, b, j, lanes, begins);
  for (; j < columns; j += lanes)
    stream_step<T, rows, terms, 1, fetches>(s, left, b, j, columns - j < lanes ? int(columns - j) : lanes,
                                            begins);
}

template <class T, int rows>
[[gnu::noinline]] void stream(const Stream<T>& given, std::int64_t k0, std::int64_t k1,
                              std::int64_t columns) {
  const Stream<T> s = given;  // a copy stays in registers while sums are stored
  constexpr int terms = kStreamTerms<rows>;
  std::int64_t p = k0;
  for (; p + terms <= k1; p += terms) stream_terms<T, rows, terms>(s, p, columns, p == k0);
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
STRETTO_INLINE void stream_region(int rows, const Region<T, T, Out, Chains<T>>& region, std::int64_t j0,
                                  std::int64_t j1) {
  const std::int64_t columns = j1 - j0;
  const Finish<T, T, Out>& finish = region.finish;
  bool is_direct = false;
  // Rows a multiple of 4 KB apart would all meet in one set of the L1 cache.
  if constexpr (is_same<T, Out>)
    is_direct = finish.out_col == 1 &&
                (rows == 1 || region.k < 128 || finish.out_row * std::int64_t(sizeof(T)) % 4096 != 0);
  const bool has_segments = region.k > kSegment;
  const Scratch block(is_direct && !has_segments ? 0 : 2 * rows * (columns + 16) * std::int64_t(sizeof(T)));
  T* sums = block.as<T>();
  const std::int64_t block_row = columns + 16;
  std::int64_t sums_row = block_row;
  if constexpr (is_same<T, Out>) {
    if (is_direct) {
      sums = finish.out + j0;
      sums_row = finish.out_row;
    }
  }
  Stream<T> s{region.a, region.a_row, region.a_col, region.b + j0, region.b_row, sums, sums_row, 0};
  // The machine itself fetches long pieces of rows faster.
  if (kHasMasks)
    s.ahead = 8 * region.b_row;
  else if (columns * std::int64_t(sizeof(T)) < kStreamBytes)
    s.ahead = greatest(8, 4 * kStreamBytes / (columns * std::int64_t(sizeof(T)))) * region.b_row;
  streams<T>[rows - 1](s, 0, least(region.k, kSegment), columns);
  for (std::int64_t k0 = kSegment; k0 < region.k; k0 += kSegment) {
    s.sums = block.as<T>() + rows * block_row;
    s.sums_row = block_row;
    streams<T>[rows - 1](s, k0, least(region.k, k0 + kSegment), columns);
    for (int i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) sums[i * sums_row + j] += s.sums[i * block_row + j];
  }
  if (!is_direct || !finish.is_empty()) finish.run(sums, sums_row, 0, rows, j0, columns);
}

}  // namespace stretto::STRETTO_ISA
