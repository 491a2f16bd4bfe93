// Stacks of tiny matrices: lanes are matrices of the stack. Each operand of a group of `lanes` matrices is
// copied to the L1 cache with the elements of one place side by side.
#pragma once

#include "kernels/matmul/region.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// Of the three matrices, of 32-bit elements.
#if defined(__AVX512F__)
inline constexpr std::int64_t kTinyElements = 320;  // 20 KB of L1
#else
inline constexpr std::int64_t kTinyElements = 256;
#endif

// The matrices of one operand as lines of elements, in memory's order.
template <class T>
struct Lines {
  T* data;
  std::int64_t item;          // from one matrix to the next
  std::int64_t count, line;   // lines of a matrix, and their step
  std::int64_t length, step;  // elements of a line, and theirs
  std::int64_t row, col;      // steps of the interleaved copy, in elements

  Lines(T* at, std::int64_t items, std::int64_t rows, std::int64_t columns, std::int64_t row_step,
        std::int64_t col_step)
      : data(at), item(items) {
    const bool by_rows = rows == 1 || (columns != 1 && (col_step == 1 || row_step != 1));
    count = by_rows ? rows : columns;
    line = by_rows ? row_step : col_step;
    length = by_rows ? columns : rows;
    step = by_rows ? col_step : row_step;
    row = (by_rows ? columns : 1) * Vec<T>::lanes;
    col = (by_rows ? 1 : rows) * Vec<T>::lanes;
    if (line == length * step) {
      length *= count;
      count = 1;
    }
  }
  STRETTO_INLINE std::int64_t elements() const { return count * length; }
};

// Elements first .. first + n - 1 of a line of each of the matrices.
template <class T>
STRETTO_INLINE void interleave_block(const T* from, std::int64_t item, int n, T* to) {
  using V = Vec<T>;
  V block[V::lanes];
#pragma GCC unroll 16
  for (int i = 0; i < V::lanes; ++i)
    __builtin_prefetch(from + (i + V::lanes) * item, 0, 2);  // the next group
  if (n == V::lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < V::lanes; ++i) block[i] = V::load(from + i * item);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < V::lanes; ++i) block[i] = V::load(from + i * item, n);
  }
  transpose(block);
#pragma GCC unroll 16
  for (int i = 0; i < V::lanes; ++i)
    if (i < n) block[i].store(to + i * V::lanes);
}

template <class T>
STRETTO_INLINE void separate_block(const T* from, T* to, std::int64_t item, int n) {
  using V = Vec<T>;
  V block[V::lanes];
#pragma GCC unroll 16
  for (int i = 0; i < V::lanes; ++i) block[i] = i < n ? V::load(from + i * V::lanes) : V::zero();
  transpose(block);
  if (n == V::lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < V::lanes; ++i) block[i].store(to + i * item);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < V::lanes; ++i) block[i].store(to + i * item, n);
  }
}

// Matrices first .. first + items - 1; lanes without one are zero.
template <class T>
[[gnu::noinline]] void interleave(const Lines<T>& lines, std::int64_t first, int items, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t l = 0; l < lines.count; ++l, to += lines.length * lanes) {
    const T* from = lines.data + first * lines.item + l * lines.line;
    if (items == lanes && lines.length == 1 && lines.item <= 1 && lines.item >= 0) {
      (lines.item ? Vec<T>::load(from) : Vec<T>::broadcast(*from)).store(to);
    } else if (items == lanes && lines.step == 1) {
      for (std::int64_t q = 0; q < lines.length; q += lanes)
        interleave_block(from + q, lines.item, int(least(lanes, lines.length - q)), to + q * lanes);
    } else {
      for (std::int64_t q = 0; q < lines.length; ++q)
        for (int i = 0; i < lanes; ++i)
          to[q * lanes + i] = i < items ? from[i * lines.item + q * lines.step] : T(0);
    }
  }
}

template <class T>
[[gnu::noinline]] void separate(const T* from, const Lines<T>& lines, std::int64_t first, int items) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t l = 0; l < lines.count; ++l, from += lines.length * lanes) {
    T* const to = lines.data + first * lines.item + l * lines.line;
    if (items == lanes && lines.length == 1 && lines.item == 1) {
      Vec<T>::load(from).store(to);
    } else if (items == lanes && lines.step == 1) {
      for (std::int64_t q = 0; q < lines.length; q += lanes)
        separate_block(from + q * lanes, to + q, lines.item, int(least(lanes, lines.length - q)));
    } else {
      for (std::int64_t q = 0; q < lines.length; ++q)
        for (int i = 0; i < items; ++i) to[i * lines.item + q * lines.step] = from[q * lanes + i];
    }
  }
}

template <class T>
struct TinyStack {
  std::int64_t m, n, k;
  Lines<T> a, b, out;

  std::int64_t elements() const { return a.elements() + b.elements() + out.elements(); }
  // Fewer lanes gain less.
  bool is_tiny() const {
    return elements() <= (kHasMasks ? kTinyElements : kTinyElements * 4 / std::int64_t(sizeof(T)));
  }

  // Matrices begin .. end - 1; `scratch` has room for elements() vectors.
  void run(std::int64_t begin, std::int64_t end, T* scratch) const {
    constexpr int lanes = Vec<T>::lanes;
    T* const left = scratch;
    T* const right = left + a.elements() * lanes;
    T* const sums = right + b.elements() * lanes;
    for (std::int64_t first = begin; first < end; first += lanes) {
      const int items = int(least(lanes, end - first));
      if (a.item || first == begin) interleave(a, first, items, left);
      if (b.item || first == begin) interleave(b, first, items, right);
      multiply(left, right, sums);
      separate(sums, out, first, items);
    }
  }

 private:
  void multiply(const T* left, const T* right, T* sums) const {
    for (std::int64_t i = 0; i < m; ++i) {
      std::int64_t j = 0;
      for (; j + 4 <= n; j += 4)
        chains<4>(left + i * a.row, right + j * b.col, sums + i * out.row + j * out.col);
      for (; j < n; ++j) chains<1>(left + i * a.row, right + j * b.col, sums + i * out.row + j * out.col);
    }
  }

  template <int columns>
  STRETTO_INLINE void chains(const T* left, const T* right, T* sums) const {
    using V = Vec<T>;
    V acc[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) acc[j] = V::zero();
    for (std::int64_t p = 0; p < k; ++p, left += a.col, right += b.row) {
      const V x = V::load(left);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) acc[j] = fma(x, V::load(right + j * b.col), acc[j]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) acc[j].store(sums + j * out.col);
  }
};

}  // namespace stretto::STRETTO_ISA
