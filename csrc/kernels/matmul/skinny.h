// Few rows of a against a b that lies in a cache: the sums of a stretch of columns stay in registers, wide
// enough for all chains that the units can keep going, while b passes by as it lies.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

inline constexpr int kSkinnyRows = 3;
inline constexpr std::int64_t kSkinnyBytes = 1
                                             << 20;  // of b; longer rows are better read one after the other
inline constexpr std::int64_t kSkinnyAhead = 4;      // rows of b

// Of b whose rows are long, or meet in few sets of the first cache, AVX2 rather reads one row after the other
// (stream.h): of so few rows of a, whose sums are soon read again.
inline constexpr int kLongRows = kHasMasks ? 0 : 2;
inline constexpr std::int64_t kLongRowBytes = 16 << 10;

template <class T>
STRETTO_INLINE bool is_read_along(std::int64_t b_row, std::int64_t k, std::int64_t n) {
  constexpr std::int64_t size = sizeof(T);
  return n * size >= kLongRowBytes || meet_in_sets(b_row * size, k);
}

// Vectors of a stretch: chains for two units of four cycles, and room for a row of b.
template <int rows>
inline constexpr int kSkinnyVectors = rows == 1 ? 8 : 12 / rows;

template <class T>
struct Skinny {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row;
  T* sums;
  std::int64_t sums_row;
  int tail;  // columns of the last vector
};

// Terms k0 .. k1 - 1 of one stretch, added to the segments before.
template <class T, int rows, int vectors, bool partial>
[[gnu::noinline]] void skinny(const Skinny<T>& s, std::int64_t k0, std::int64_t k1, bool adds) {
  using V = Vec<T>;
  constexpr int line = 64 / int(sizeof(T));
  const int tail = s.tail;
  const auto load = [tail](const T* row, int v) {
    const T* const at = row + v * V::lanes;
    return partial && v == vectors - 1 ? V::load(at, tail) : V::load(at);
  };
  V acc[rows][vectors];
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) acc[i][v] = V::zero();
  const T* a = s.a + k0 * s.a_col;
  const T* b = s.b + k0 * s.b_row;
  const std::int64_t ahead = kSkinnyAhead * s.b_row;
  for (std::int64_t p = k0; p < k1; ++p, a += s.a_col, b += s.b_row) {
#pragma GCC unroll 8
    for (int j = 0; j < vectors * V::lanes; j += line) __builtin_prefetch(b + ahead + j);
    V left[rows];
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) left[i] = V::broadcast(a[i * s.a_row]);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const V right = load(b, v);
#pragma GCC unroll 4
      for (int i = 0; i < rows; ++i) acc[i][v] = fma(left[i], right, acc[i][v]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      T* const sums = s.sums + i * s.sums_row;
      const V total = adds ? load(sums, v) + acc[i][v] : acc[i][v];
      if (partial && v == vectors - 1)
        total.store(sums + v * V::lanes, tail);
      else
        total.store(sums + v * V::lanes);
    }
}

template <class T>
using SkinnyFunction = void (*)(const Skinny<T>&, std::int64_t, std::int64_t, bool);

template <class T, int rows, int vectors = kSkinnyVectors<rows>>
STRETTO_INLINE SkinnyFunction<T> skinny_for(int count, bool partial) {
  if constexpr (vectors > 1)
    if (count < vectors) return skinny_for<T, rows, vectors - 1>(count, partial);
  return partial ? skinny<T, rows, vectors, true> : skinny<T, rows, vectors, false>;
}

// Columns j0..j1 of a result of so many rows.
template <int rows, class T, class Out>
STRETTO_INLINE void skinny_rows(const Region<T, T, Out, Chains<T>>& region, std::int64_t j0,
                                std::int64_t j1) {
  constexpr int lanes = Vec<T>::lanes;
  const Finish<T, T, Out>& finish = region.finish;
  const std::int64_t vectors = divide_up(j1 - j0, lanes),
                     stretches = divide_up(vectors, kSkinnyVectors<rows>);
  T block[rows * kSkinnyVectors<rows> * lanes];
  bool is_direct = false;
  if constexpr (is_same<T, Out>) is_direct = finish.out_col == 1;
  Skinny<T> s{
      region.a, region.a_row, region.a_col, nullptr, region.b_row, block, kSkinnyVectors<rows> * lanes, 0};
  for (std::int64_t i = 0; i < stretches; ++i) {
    const std::int64_t v0 = part(vectors, stretches, i), count = part(vectors, stretches, i + 1) - v0;
    const std::int64_t j = j0 + v0 * lanes, columns = least(j1 - j, count * lanes);
    s.b = region.b + j;
    s.tail = int(columns - (count - 1) * lanes);
    if constexpr (is_same<T, Out>) {
      if (is_direct) {
        s.sums = finish.out + j;
        s.sums_row = finish.out_row;
      }
    }
    const SkinnyFunction<T> function = skinny_for<T, rows>(int(count), s.tail < lanes);
    for (std::int64_t k0 = 0; k0 < region.k; k0 += kSegment)
      function(s, k0, least(region.k, k0 + kSegment), k0 > 0);
    if (!is_direct || !finish.is_empty()) finish.run(s.sums, s.sums_row, 0, rows, j, columns);
  }
}

template <class T, class Out>
STRETTO_INLINE void skinny_region(int rows, const Region<T, T, Out, Chains<T>>& region, std::int64_t j0,
                                  std::int64_t j1) {
  static_assert(kSkinnyRows == 3);
  if (rows == 1)
    skinny_rows<1>(region, j0, j1);
  else if (rows == 2)
    skinny_rows<2>(region, j0, j1);
  else
    skinny_rows<3>(region, j0, j1);
}

}  // namespace stretto::STRETTO_ISA
