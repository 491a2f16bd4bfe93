// Few rows of a against columns of b whose terms lie together, as of a matrix times a vector: b is read as it
// lies and transposed in registers. Lanes are columns.
#pragma once

#include "kernels/matmul/region.h"
#include "simd/load_transposed.h"

namespace stretto::STRETTO_ISA {

// Vectors of columns at a time, 16 columns or 8 of short vectors: fewer would wait for their own sums, more
// would lose lines of the first cache to each other.
template <class T>
inline constexpr int kDotVectors = Vec<T>::lanes > 4 ? 16 / Vec<T>::lanes : kRegisters / 8;
// Prefetchers do not follow columns of few pages from memory in time: what lies behind them is fetched
// instead, by a distance of at least and at most so many bytes; or so many further bytes of each column.
inline constexpr std::int64_t kDotNear = 16 << 10, kDotFar = 512 << 10, kDotAhead = 512;
inline constexpr std::int64_t kDotShort = 512;        // terms of columns that are soon followed by others
inline constexpr std::int64_t kDotMemory = 15 << 20;  // of all columns, which come from memory

// Rows whose sums are formed in one pass, all of them.
inline constexpr int kDotRows = kHasMasks ? 8 : 4;
// Columns of a result that become such rows: as columns they would fill a part of a vector.
inline constexpr int kDotColumns = kHasMasks ? 5 : 4;

template <class T>
struct Dots {
  const T* a;  // terms lie together
  std::int64_t a_row;
  const T* b;
  std::int64_t col;
  std::int64_t k;
  T* sums;
  std::int64_t sums_row;
  bool fetches;  // for columns that come from memory, of one vector
};

// Of `vectors` vectors of columns.
template <class T, int rows, int vectors>
[[gnu::noinline]] void dots(const Dots<T>& s) {
  using V = Vec<T>;
  constexpr int lanes = V::lanes, line = 64 / int(sizeof(T)), block = kTransposedTerms<T>;
  const T *const a = s.a, *const b = s.b;
  const std::int64_t a_row = s.a_row, col = s.col, k = s.k;
  // Where all columns begin lines at the same terms, these may meet in few sets of the first cache.
  const bool are_abreast = col % line == 0;
  const std::int64_t past = std::int64_t(reinterpret_cast<std::uintptr_t>(b) / sizeof(T) % line);
  const std::int64_t head = are_abreast && past ? line - past : 0;
  const std::int64_t col_bytes = col * std::int64_t(sizeof(T)), bytes = vectors * lanes * col_bytes;
  const bool fetches_behind = col >= k && col <= k + k / 8 && bytes <= kDotFar;
  const std::int64_t fetch_step = fetches_behind ? 64 : col_bytes;
  const char* behind =
      reinterpret_cast<const char*>(b) + (fetches_behind ? divide_up(kDotNear, bytes) * bytes : 0);
  for (std::int64_t k0 = 0; k0 < k; k0 += kSegment) {
    const std::int64_t k1 = least(k, k0 + kSegment);
    V acc[rows][vectors];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) acc[r][v] = V::zero();
    const auto add_term = [&](std::int64_t at, V term, int v) __attribute__((always_inline)) {
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) acc[r][v] = fma(V::broadcast(a[r * a_row + at]), term, acc[r][v]);
    };
    // Of all vectors in turn: a chain of sums waits for itself.
    const auto add_block = [&](std::int64_t p) __attribute__((always_inline)) {
      V term[vectors][block];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const T* from = b + v * lanes * col + p;
        asm volatile("" : "+r"(from));  // pointers to all columns would not fit the registers
        load_transposed<T>(from, col, term[v]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < block; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) add_term(p + i, term[v][i], v);
    };
    const auto add_few = [&](std::int64_t p, int few) __attribute__((always_inline)) {
#pragma GCC unroll 1
      for (int v = 0; v < vectors; ++v) {
        V term[lanes];
        for (int i = 0; i < lanes; ++i) term[i] = V::load(b + (v * lanes + i) * col + p, few);
        transpose(term);
        for (int i = 0; i < few; ++i) add_term(p + i, term[i], v);
      }
    };
    for (std::int64_t p = k0, n; p < k1; p += n) {
      n = least(p == k0 && head ? head : line, k1 - p);
      if (n < line) [[unlikely]] {
        std::int64_t q = 0;
        if constexpr (block < line)
          for (; q + block <= n; q += block) add_block(p + q);
        for (; q < n; q += lanes) add_few(p + q, int(least(lanes, n - q)));
        continue;
      }
      if (vectors == 1 && s.fetches) {
        const char* fetch = fetches_behind ? behind : reinterpret_cast<const char*>(b + p) + kDotAhead;
        behind += 64 * lanes;
        asm volatile("" : "+r"(fetch));
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) __builtin_prefetch(fetch + i * fetch_step, 0, 2);
      }
#pragma GCC unroll 4
      for (int q = 0; q < line; q += block) add_block(p + q);
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        T* const to = s.sums + r * s.sums_row + v * lanes;
        (k0 > 0 ? V::load(to) + acc[r][v] : acc[r][v]).store(to);
      }
  }
}

// All rows of `vectors` vectors of columns, of which b and the sums are the first.
template <class T, int vectors, int rows = kDotRows>
STRETTO_INLINE void dots_of_rows(const Dots<T>& s, int count) {
  if constexpr (rows > 1)
    if (count < rows) return dots_of_rows<T, vectors, rows - 1>(s, count);
  if constexpr (rows == 1 || vectors == 1) return dots<T, rows, vectors>(s);
  Dots<T> one = s;
  for (int v = 0; v < vectors; ++v, one.b += Vec<T>::lanes * s.col, one.sums += Vec<T>::lanes)
    dots<T, rows, 1>(one);
}

// Columns j0..j1 of a result of at most kDotRows rows, which has at least a vector of them.
template <class T, class Out>
STRETTO_INLINE void dots_region(int rows, bool fetches, const Region<T, T, Out, Chains<T>>& region,
                                std::int64_t j0, std::int64_t j1) {
  constexpr int lanes = Vec<T>::lanes, most = kDotVectors<T> * lanes;
  const Scratch copied(region.a_col == 1 ? 0 : rows * region.k * std::int64_t(sizeof(T)));
  T sums[kDotRows * most];
  Dots<T> s{region.a, region.a_row, nullptr, region.b_col, region.k, sums, most, fetches};
  if (region.a_col != 1) {
    s.a = copied.as<T>();
    s.a_row = region.k;
    for (std::int64_t p = 0; p < region.k; ++p)
      for (int r = 0; r < rows; ++r)
        copied.as<T>()[r * region.k + p] = region.a[r * region.a_row + p * region.a_col];
  }
  // Lines of more columns than one vector has would push each other out of one set of the first cache.
  const bool one_by_one = fetches || (most > 8 && region.b_col * std::int64_t(sizeof(T)) % 4096 == 0);
  for (std::int64_t j = j0; j < j1;) {
    const int vectors = int(greatest(1, least(kDotVectors<T>, (j1 - j) / lanes)));
    const std::int64_t at = least(j, j1 - lanes);  // the last vector is moved back
    s.b = region.b + at * region.b_col;
    if (vectors == kDotVectors<T> && !one_by_one) {
      dots_of_rows<T, kDotVectors<T>>(s, rows);
    } else {
      for (int v = 0; v < vectors; ++v) {
        Dots<T> one = s;
        one.b += v * lanes * region.b_col;
        one.sums += v * lanes;
        dots_of_rows<T, 1>(one, rows);
      }
    }
    const std::int64_t end = at + vectors * lanes;
    region.finish.run(sums + (j - at), most, 0, rows, j, end - j);
    j = end;
  }
}

}  // namespace stretto::STRETTO_ISA
