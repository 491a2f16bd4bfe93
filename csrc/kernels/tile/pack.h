// Copies of operands in the order in which tiles read them, in the computation type.
#pragma once

#include "simd/convert.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// Of an operand that is copied as it lies, fetched ahead.
inline constexpr std::int64_t kPackAhead = 128 << 10;

// As pack_panel, of columns whose terms are adjacent: squares of them are transposed in registers.
template <class T, class From>
STRETTO_INLINE void pack_terms(const From* b, std::int64_t col, std::int64_t k, int columns, T* panel,
                               int width) {
  using V = Vec<T>;
  constexpr int lanes = V::lanes;
  for (int j = 0; j < width; j += lanes) {
    for (std::int64_t p = 0; p < k; p += lanes) {
      const int terms = k - p < lanes ? int(k - p) : lanes;
      const From* const from = b + j * col + p;
      T* const to = panel + p * width + j;
      V block[lanes];
      if (terms == lanes && columns - j >= lanes) [[likely]] {
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) block[i] = load_as<T, From>(from + i * col, lanes);
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) block[i].store(to + i * width);
      } else if (j >= columns) {
        for (int i = 0; i < terms; ++i) V::zero().store(to + i * width);
      } else {
        for (int i = 0; i < lanes; ++i)
          block[i] = j + i < columns ? load_as<T, From>(from + i * col, terms) : V::zero();
        transpose(block);
        for (int i = 0; i < terms; ++i) block[i].store(to + i * width);
      }
    }
  }
}

// panel[p * width + j] = b[p * row + j * col] for p < k, j < columns; zero for columns <= j < width, and for
// the rows that fill k up to a multiple of `granule`.
template <class T, class From, int granule = 1>
STRETTO_INLINE void pack_panel(const From* b, std::int64_t row, std::int64_t col, std::int64_t k, int columns,
                               T* panel, int width) {
  constexpr int lanes = Vec<T>::lanes;
  if constexpr (granule > 1)
    for (std::int64_t i = k * width; i < (k + granule - 1) / granule * granule * width; ++i) panel[i] = T(0);
  if (col == 1 || columns == 1) {
    for (std::int64_t p = 0; p < k; ++p) {
      for (int j = 0; j < width; j += lanes) {
        const int n = columns - j;
        __builtin_prefetch(b + p * row + j + kPackAhead / std::int64_t(sizeof(From)), 0, 2);
        const Vec<T> x = n <= 0 ? Vec<T>::zero() : load_as<T, From>(b + p * row + j, n < lanes ? n : lanes);
        x.store(panel + p * width + j);
      }
    }
    return;
  }
  if constexpr (sizeof(T) == 4 || is_same<T, double>)
    if (row == 1) return pack_terms<T, From>(b, col, k, columns, panel, width);
  if (columns < width)
    for (std::int64_t p = 0; p < k; ++p)
      for (int j = columns; j < width; ++j) panel[p * width + j] = T(0);
  for (std::int64_t p = 0; p < k; ++p)
    for (int j = 0; j < columns; ++j) panel[p * width + j] = widen_to<T>(b[p * row + j * col]);
}

// Where a copied block of rows of a is, and its strides.
template <class T>
struct Rows {
  const T* data;
  std::int64_t row, col;
};

// Copies rows x k elements of a into `to`, which has room for rows * (k + 64); k is filled up with zeros to a
// multiple of `granule`.
template <class T, class From, int granule = 1>
STRETTO_INLINE Rows<T> copy_rows(const From* a, std::int64_t row, std::int64_t col, int rows, std::int64_t k,
                                 T* to) {
  constexpr int lanes = Vec<T>::lanes;
  if (col == 1) {
    constexpr std::int64_t unit = granule > lanes ? granule : lanes;
    const std::int64_t filled = (k + unit - 1) / unit * unit;
    const std::int64_t step = filled + (64 / std::int64_t(sizeof(T)));
    for (int i = 0; i < rows; ++i) {
      std::int64_t p = 0;
      for (; p < k; p += lanes)
        load_as<T, From>(a + i * row + p, k - p < lanes ? int(k - p) : lanes).store(to + i * step + p);
      for (; p < filled; p += lanes) Vec<T>::zero().store(to + i * step + p);
    }
    return {to, step, 1};
  }
  for (std::int64_t i = k * rows; i < (k + granule - 1) / granule * granule * rows; ++i) to[i] = T(0);
  if (row == 1) {
    for (std::int64_t p = 0; p < k; ++p)
      for (int i = 0; i < rows; i += lanes) {
        const int n = rows - i < lanes ? rows - i : lanes;
        store_as<T, T>(load_as<T, From>(a + p * col + i, n), to + p * rows + i, n);
      }
    return {to, 1, rows};
  }
  for (std::int64_t p = 0; p < k; ++p)
    for (int i = 0; i < rows; ++i) to[p * rows + i] = widen_to<T>(a[i * row + p * col]);
  return {to, 1, rows};
}

}  // namespace stretto::STRETTO_ISA
