// One row of a against columns of b whose terms lie together, as of a matrix times a vector: b is read once,
// as it lies. Lanes are columns.
#pragma once

#include "kernels/matmul/region.h"
#include "simd/load_transposed.h"

namespace stretto::STRETTO_ISA {

// Vectors of columns at a time, 16 columns: fewer would wait for their own sums, more would lose lines of the
// first cache to each other.
template <class T>
inline constexpr int kDotVectors = Vec<T>::lanes > 4 ? 16 / Vec<T>::lanes : 4;
// Prefetchers do not follow columns of few pages in time: what lies behind them is fetched instead, by a
// distance of at least and at most so many bytes. Further ahead is only what each column has next.
inline constexpr std::int64_t kDotNear = 16 << 10, kDotFar = 512 << 10, kDotColumn = 512;

// `sums` of `vectors` vectors of columns, which lie `col` apart.
template <class T, int vectors>
[[gnu::noinline]] void dots(const T* a, const T* b, std::int64_t col, std::int64_t k, T* sums) {
  using V = Vec<T>;
  constexpr int lanes = V::lanes, line = 64 / int(sizeof(T));
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
    V acc[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) acc[v] = V::zero();
    std::int64_t p = k0;
    const auto add_until = [&](std::int64_t end) {
      for (int few; p < end; p += few) {
        few = int(least(lanes, end - p));
        for (int v = 0; v < vectors; ++v) {
          V term[lanes];
          for (int i = 0; i < lanes; ++i) term[i] = V::load(b + (v * lanes + i) * col + p, few);
          transpose(term);
          for (int i = 0; i < few; ++i) acc[v] = fma(V::broadcast(a[p + i]), term[i], acc[v]);
        }
      }
    };
    add_until(least(k1, k0 + head));
    for (; p + line <= k1; p += line)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const T* from = b + v * lanes * col + p;
        const char* fetch = fetches_behind ? behind : reinterpret_cast<const char*>(from) + kDotColumn;
        behind += 64 * lanes;
        asm volatile("" : "+r"(from), "+r"(fetch));  // pointers to all columns would not fit the registers
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) __builtin_prefetch(fetch + i * fetch_step, 0, 2);
#pragma GCC unroll 2
        for (int q = 0; q < line; q += lanes) {
          V term[lanes];
          load_transposed<T>(from + q, col, term);
#pragma GCC unroll 16
          for (int i = 0; i < lanes; ++i) acc[v] = fma(V::broadcast(a[p + q + i]), term[i], acc[v]);
        }
      }
    add_until(k1);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      (k0 > 0 ? V::load(sums + v * lanes) + acc[v] : acc[v]).store(sums + v * lanes);
  }
}

// Columns j0..j1 of a result of one row, which has at least a vector of them.
template <class T, class Out>
STRETTO_INLINE void dots_region(const Region<T, T, Out, Chains<T>>& region, std::int64_t j0,
                                std::int64_t j1) {
  constexpr int lanes = Vec<T>::lanes, most = kDotVectors<T> * lanes;
  const Scratch copied(region.a_col == 1 ? 0 : region.k * std::int64_t(sizeof(T)));
  const T* a = region.a;
  if (region.a_col != 1) {
    for (std::int64_t p = 0; p < region.k; ++p) copied.as<T>()[p] = region.a[p * region.a_col];
    a = copied.as<T>();
  }
  T sums[most];
  for (std::int64_t j = j0; j < j1;) {
    const int vectors = int(greatest(1, least(kDotVectors<T>, (j1 - j) / lanes)));
    const std::int64_t at = least(j, j1 - lanes);  // the last vector is moved back
    const T* const b = region.b + at * region.b_col;
    if constexpr (kDotVectors<T> > 1) {
      if (vectors == kDotVectors<T>)
        dots<T, kDotVectors<T>>(a, b, region.b_col, region.k, sums);
      else
        for (int v = 0; v < vectors; ++v)
          dots<T, 1>(a, b + v * lanes * region.b_col, region.b_col, region.k, sums + v * lanes);
    } else {
      dots<T, 1>(a, b, region.b_col, region.k, sums);
    }
    const std::int64_t end = at + vectors * lanes;
    region.finish.run(sums + (j - at), most, 0, 1, j, end - j);
    j = end;
  }
}

}  // namespace stretto::STRETTO_ISA
