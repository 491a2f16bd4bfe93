// A copy of rows of a, term by term: one stretch of memory for a tile to read.
#pragma once

#include "kernels/tile/pack.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// As copy_rows, of rows whose elements are adjacent.
template <class T, class From, int granule = 1>
STRETTO_INLINE Rows<T> copy_terms(const From* a, std::int64_t row, int rows, std::int64_t k, T* to) {
  using V = Vec<T>;
  constexpr int lanes = V::lanes;
  for (std::int64_t p = 0; p < k; p += lanes) {
    const int n = k - p < lanes ? int(k - p) : lanes;
    for (int g = (rows - 1) / lanes * lanes; g >= 0; g -= lanes) {
      V block[lanes];
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)
        block[i] = g + i < rows ? load_as<T, From>(a + (g + i) * row + p, n) : V::zero();
      transpose(block);
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)  // what is beyond the rows is written over by the next term
        block[i].store(to + (p + i) * rows + g);
    }
  }
  for (std::int64_t i = k * rows; i < (k + granule - 1) / granule * granule * rows; ++i) to[i] = T(0);
  return {to, 1, rows};
}

// As copy_rows, of columns whose elements are adjacent, at least a vector apart.
template <class T>
STRETTO_INLINE Rows<T> copy_columns(const T* a, std::int64_t col, int rows, std::int64_t k, T* to) {
  using V = Vec<T>;
  for (std::int64_t p = 0; p + 1 < k; ++p)  // what is beyond the rows is written over by the next term
    for (int i = 0; i < rows; i += V::lanes) V::load(a + p * col + i).store(to + p * rows + i);
  for (int i = 0; k > 0 && i < rows; ++i) to[(k - 1) * rows + i] = a[(k - 1) * col + i];
  return {to, 1, rows};
}

}  // namespace stretto::STRETTO_ISA
