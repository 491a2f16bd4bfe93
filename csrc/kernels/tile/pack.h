// Copies of operands in the order in which tiles read them, in the computation type.
#pragma once

#include "simd/convert.h"

namespace stretto::STRETTO_ISA {

// Of an operand that is copied as it lies, fetched ahead.
inline constexpr std::int64_t kPackAhead = 128 << 10;

// to[p * to_row + j] = from[j * step + p] for p, j < 4.
template <class T>
STRETTO_INLINE void transpose_block(const T* from, std::int64_t step, T* to, std::int64_t to_row) {
#if defined(__AVX2__)
  if constexpr (sizeof(T) == 4) {
    const auto at = [&](int j) { return _mm_loadu_ps(reinterpret_cast<const float*>(from + j * step)); };
    __m128 r0 = at(0), r1 = at(1), r2 = at(2), r3 = at(3);
    _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
    _mm_storeu_ps(reinterpret_cast<float*>(to), r0);
    _mm_storeu_ps(reinterpret_cast<float*>(to + to_row), r1);
    _mm_storeu_ps(reinterpret_cast<float*>(to + 2 * to_row), r2);
    _mm_storeu_ps(reinterpret_cast<float*>(to + 3 * to_row), r3);
    return;
  }
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4) {
    const auto at = [&](int j) { return vld1q_f32(reinterpret_cast<const float*>(from + j * step)); };
    const float32x4x2_t low = vtrnq_f32(at(0), at(1)), high = vtrnq_f32(at(2), at(3));
    const auto put = [&](int p, float32x4_t x) { vst1q_f32(reinterpret_cast<float*>(to + p * to_row), x); };
    put(0, vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0])));
    put(1, vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1])));
    put(2, vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0])));
    put(3, vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1])));
    return;
  }
#endif
  for (int p = 0; p < 4; ++p)
    for (int j = 0; j < 4; ++j) to[p * to_row + j] = from[j * step + p];
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
  if (columns < width)
    for (std::int64_t p = 0; p < k; ++p)
      for (int j = columns; j < width; ++j) panel[p * width + j] = T(0);
  if (row == 1) {
    const std::int64_t whole = k / lanes * lanes;
    int j = 0;
    for (; j + 4 <= columns; j += 4) {
      for (std::int64_t p = 0; p < whole; p += lanes) {
        if constexpr (is_same<T, From>) {
          for (int q = 0; q < lanes; q += 4)
            transpose_block(b + j * col + p + q, col, panel + (p + q) * width + j, width);
        } else {
          T run[4 * lanes];
          for (int i = 0; i < 4; ++i) load_as<T, From>(b + (j + i) * col + p, lanes).store(run + i * lanes);
          for (int q = 0; q < lanes; q += 4)
            transpose_block(run + q, lanes, panel + (p + q) * width + j, width);
        }
      }
      for (int i = j; i < j + 4; ++i)
        for (std::int64_t p = whole; p < k; ++p) panel[p * width + i] = widen_to<T>(b[i * col + p]);
    }
    for (; j < columns; ++j)
      for (std::int64_t p = 0; p < k; ++p) panel[p * width + j] = widen_to<T>(b[j * col + p]);
    return;
  }
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
