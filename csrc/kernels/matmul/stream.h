// Few rows of a against a large b: b is read once, row by row, as it lies in memory; the accumulators stay in
// the caches.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

template <class T>  // rows whose sums a pass over b forms; those of integers are not worth the code
inline constexpr int kStreamGroup = is_same<T, float> || is_same<T, double> ? 8 : 4;
inline constexpr std::int64_t kStreamBytes = 16 << 10;   // of a row at a time: long pieces of each page of b
inline constexpr std::int64_t kStreamBlock = 256 << 10;  // of b that all groups read from the L2 cache
inline constexpr std::int64_t kStreamAhead = 128 << 10;  // of b, fetched ahead
// Of all matrices of b, which come from memory: from the caches what is fetched by hand only takes the time
// of loads. Measured on AVX2, for so few rows.
inline constexpr std::int64_t kStreamMemory = 12 << 20;
template <class T>
inline constexpr int kStreamReadRows = !kHasMasks && (is_same<T, float> || is_same<T, double>) ? 4 : 0;

// Rows of b at a time. Few streams suit the machine's own fetching best, and sums of few rows are soon read
// again; of one row, which are half of all loads, less often (AVX2).
template <int rows>
inline constexpr int kStreamTerms = (rows == 1) != kHasMasks || rows > 4 ? 8 : 4;

// Whether the factors of a step are too many for the registers: they stay in memory then, each read once for
// several vectors, where broadcasts would be spilled.
template <int rows>
inline constexpr bool kManyFactors = kHasMasks && rows > 4;

template <class T>
struct Stream {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row;
  T* sums;
  std::int64_t sums_row;
  bool from_memory;    // b is
  std::int64_t ahead;  // what is fetched while an element of b is read
};

// Columns j .. j + n - 1: `vectors` whole ones, or a part of one.
template <class T, int rows, int terms, int vectors, bool fetches>
STRETTO_INLINE void stream_step(const Stream<T>& s, const T (&left)[rows][terms], const T* b, std::int64_t j,
                                int n, bool begins) {
  using V = Vec<T>;
  const T(*factors)[terms] = left;
  if constexpr (kManyFactors<rows>) asm volatile("" : "+r"(factors) : : "memory");
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
    if constexpr (fetches)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; v += 64 / int(sizeof(V)))
        __builtin_prefetch(from + v * V::lanes + s.ahead, 0, 2);
    V right[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      right[v] = n == V::lanes ? V::load(from + v * V::lanes) : V::load(from + v * V::lanes, n);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) acc[i][v] = fma(V::broadcast(factors[i][q]), right[v], acc[i][v]);
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
template <class T, int rows, int terms, bool from_memory>
STRETTO_INLINE void stream_terms(const Stream<T>& s, std::int64_t p0, std::int64_t columns, bool begins) {
  // Whole lines of the cache at a time, where the registers hold their sums; of one row they hold those of
  // several.
  constexpr int lanes = Vec<T>::lanes, line = 64 / int(sizeof(Vec<T>));
  constexpr bool fetches = terms > 1 && from_memory;
  constexpr int vectors = rows == 1                        ? 2 * line
                          : kManyFactors<rows>             ? 3 * line
                          : (rows + 1) * line < kRegisters ? line
                                                           : 1;
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

template <class T, int rows, bool from_memory>
[[gnu::noinline]] void stream(const Stream<T>& given, std::int64_t k0, std::int64_t k1, std::int64_t columns,
                              bool begins) {
  const Stream<T> s = given;  // a copy stays in registers while sums are stored
  constexpr int terms = kStreamTerms<rows>;
  std::int64_t p = k0;
  for (; p + terms <= k1; p += terms)
    stream_terms<T, rows, terms, from_memory>(s, p, columns, begins && p == k0);
  for (; p < k1; ++p) stream_terms<T, rows, 1, from_memory>(s, p, columns, begins && p == k0);
}

template <class T>
using StreamFunction = void (*)(const Stream<T>&, std::int64_t, std::int64_t, std::int64_t, bool);

template <class T, int rows = kStreamGroup<T>>
STRETTO_INLINE StreamFunction<T> stream_of(int count, bool from_memory) {
  if constexpr (rows > 1)
    if (count < rows) return stream_of<T, rows - 1>(count, from_memory);
  if constexpr (rows <= kStreamReadRows<T>)
    if (!from_memory) return stream<T, rows, false>;
  return stream<T, rows, true>;
}

// Terms k0 .. k1 - 1 of all rows, in groups that read a block of b from the L2 cache one after the other.
template <class T>
STRETTO_INLINE void stream_groups(const Stream<T>& s, int rows, std::int64_t k0, std::int64_t k1,
                                  std::int64_t columns) {
  const int groups = int(divide_up(rows, kStreamGroup<T>));
  const std::int64_t block =
      groups == 1 ? k1 - k0 : greatest(1, kStreamBlock / (columns * std::int64_t(sizeof(T)) * 8)) * 8;
  for (std::int64_t p = k0; p < k1; p += block)
    for (int g = 0; g < groups; ++g) {
      const int first = int(part(rows, groups, g)), last = int(part(rows, groups, g + 1));
      Stream<T> group = s;
      group.a += first * s.a_row;
      group.sums += first * s.sums_row;
      stream_of<T>(last - first, s.from_memory)(group, p, least(k1, p + block), columns, p == k0);
    }
}

// Columns j0..j1 of a result of at most kStreamRows rows.
template <class T, class Out>
STRETTO_INLINE void stream_region(int rows, bool from_memory, const Region<T, T, Out, Chains<T>>& region,
                                  std::int64_t j0, std::int64_t j1) {
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
  Stream<T> s{region.a, region.a_row, region.a_col, region.b + j0, region.b_row, sums, sums_row, from_memory,
              0};
  // Zen 3 itself fetches long pieces of rows faster.
  if (kHasMasks || columns * std::int64_t(sizeof(T)) < kStreamBytes)
    s.ahead = kStreamAhead / std::int64_t(sizeof(T));
  stream_groups<T>(s, rows, 0, least(region.k, kSegment), columns);
  for (std::int64_t k0 = kSegment; k0 < region.k; k0 += kSegment) {
    poll_interrupt();  // many terms may take seconds
    s.sums = block.as<T>() + rows * block_row;
    s.sums_row = block_row;
    stream_groups<T>(s, rows, k0, least(region.k, k0 + kSegment), columns);
    for (int i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) sums[i * sums_row + j] += s.sums[i * block_row + j];
  }
  if (!is_direct || !finish.is_empty()) finish.run(sums, sums_row, 0, rows, j0, columns);
}

}  // namespace stretto::STRETTO_ISA
