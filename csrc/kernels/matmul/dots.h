// One row of a against columns of b whose terms lie together, as of a matrix times a vector: b is read once,
// as it lies. Lanes are columns.
#pragma once

#include "kernels/matmul/region.h"
#include "simd/load_transposed.h"

namespace stretto::STRETTO_ISA {

// Vectors of columns at a time: their sums hide each other's latency.
inline constexpr int kDotVectors = 4;
inline constexpr int kDotTerms = 128;  // of a block, half of the first cache

// `terms` terms, whole vectors of them, of a vector of columns, to[term * pitch + column].
template <class T>
[[gnu::noinline]] void turn_block(const T* from, std::int64_t col, std::int64_t terms, T* to,
                                  std::int64_t pitch) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t p = 0; p < terms; p += lanes) {
    Vec<T> term[lanes];
    load_transposed<T>(from + p, col, term);
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) term[i].store(to + (p + i) * pitch);
  }
}

// `sums` of `vectors` vectors of columns, which lie `col` apart. Blocks of terms pass through memory, so that
// a few long pieces are read at a time, and the sums of all columns go on together.
template <class T, int vectors>
[[gnu::noinline]] void dots(const T* a, const T* b, std::int64_t col, std::int64_t k, T* sums) {
  using V = Vec<T>;
  constexpr int lanes = V::lanes, most = kDotVectors * lanes;
  alignas(64) T block[kDotTerms * most];
  for (std::int64_t k0 = 0; k0 < k; k0 += kSegment) {
    const std::int64_t k1 = least(k, k0 + kSegment);
    V acc[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) acc[v] = V::zero();
    for (std::int64_t p = k0; p < k1; p += kDotTerms) {
      const std::int64_t terms = least(kDotTerms, k1 - p), whole = terms / lanes * lanes;
      for (int v = 0; v < vectors; ++v) {
        const T* const from = b + v * lanes * col + p;
        turn_block(from, col, whole, block + v * lanes, most);
        for (std::int64_t q = whole; q < terms; ++q)
          for (int i = 0; i < lanes; ++i) block[q * most + v * lanes + i] = from[i * col + q];
      }
      for (std::int64_t q = 0; q < terms; ++q)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v)
          acc[v] = fma(V::broadcast(a[p + q]), V::load(block + q * most + v * lanes), acc[v]);
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      (k0 > 0 ? V::load(sums + v * lanes) + acc[v] : acc[v]).store(sums + v * lanes);
  }
}

// Columns j0..j1 of a result of one row, which has at least a vector of them.
template <class T, class Out>
STRETTO_INLINE void dots_region(const Region<T, T, Out, Chains<T>>& region, std::int64_t j0,
                                std::int64_t j1) {
  constexpr int lanes = Vec<T>::lanes, most = kDotVectors * lanes;
  const Scratch copied(region.a_col == 1 ? 0 : region.k * std::int64_t(sizeof(T)));
  const T* a = region.a;
  if (region.a_col != 1) {
    for (std::int64_t p = 0; p < region.k; ++p) copied.as<T>()[p] = region.a[p * region.a_col];
    a = copied.as<T>();
  }
  T sums[most];
  for (std::int64_t j = j0; j < j1;) {
    const int vectors = int(greatest(1, least(kDotVectors, (j1 - j) / lanes)));
    const std::int64_t at = least(j, j1 - lanes);  // the last vector is moved back
    const T* const b = region.b + at * region.b_col;
    switch (vectors) {
      case 4:
        dots<T, 4>(a, b, region.b_col, region.k, sums);
        break;
      case 3:
        dots<T, 3>(a, b, region.b_col, region.k, sums);
        break;
      case 2:
        dots<T, 2>(a, b, region.b_col, region.k, sums);
        break;
      default:
        dots<T, 1>(a, b, region.b_col, region.k, sums);
    }
    const std::int64_t end = at + vectors * lanes;
    region.finish.run(sums + (j - at), most, 0, 1, j, end - j);
    j = end;
  }
}

}  // namespace stretto::STRETTO_ISA
