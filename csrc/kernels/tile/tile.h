// The register tile of every sum of products:  c[i, j] = acc[i, j] + sum over p of a[i, p] * b[p, j]
//
// Lanes are columns; each accumulator is one chain of fused multiply-adds with p increasing. A chain is cut
// between two calls by storing the accumulators and starting from them again, which is exact.
#pragma once

#include <cstdint>
#include <type_traits>

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kRegisters = 32;
#else
inline constexpr int kRegisters = 16;
#endif
#if defined(__aarch64__)
inline constexpr int kVectors = 4;  // of a full tile's width
#else
inline constexpr int kVectors = 2;
#endif

// Accumulators, one row of b, one broadcast element of a. Products of wide integers are slow enough for a few
// rows to fill the units; each height more is code.
template <class V>
constexpr int tile_rows(int vectors) {
  const int rows = (kRegisters - vectors - 1) / vectors;
  const bool is_slow = std::is_same_v<V, Vec<std::int32_t>> || std::is_same_v<V, Vec<std::int64_t>>;
  const int most = is_slow ? 4 : 16;
  return rows < most ? rows : most;
}

// One tile, or the same tile of `count` matrices.
template <class T>
struct Tile {
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;  // columns are adjacent
  std::int64_t b_row;
  std::int64_t k;
  T* c;  // columns are adjacent
  std::int64_t c_row;
  const T* start = nullptr;  // accumulators so far; null: zero
  std::int64_t start_row = 0;
  const T* total = nullptr;  // sum of the segments so far, which the accumulators are added to; null: none
  std::int64_t total_row = 0;
  int tail;  // columns of the last vector
  std::int64_t count = 1, a_step = 0, b_step = 0, c_step = 0;
};

template <class V, int rows, int vectors, bool partial>
[[gnu::noinline]] void tile(const Tile<typename V::scalar>& t) {
  using T = typename V::scalar;
  constexpr int groups = (rows + 2) / 3;  // a pointer for three rows: x86 addresses p, p + s, p + 2s at once
  const std::int64_t a_row = t.a_row, a_col = t.a_col, b_row = t.b_row;
  const int tail = t.tail;
  const auto load = [tail](const T* p, int v) __attribute__((always_inline)) {
    return partial && v == vectors - 1 ? V::load(p + v * V::lanes, tail) : V::load(p + v * V::lanes);
  };
  for (std::int64_t index = 0; index < t.count; ++index) {
    V acc[rows][vectors];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) acc[i][v] = V::zero();
    if (t.start) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) acc[i][v] = load(t.start + i * t.start_row, v);
    }
    const T* a[groups];
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) a[g] = t.a + index * t.a_step + 3 * g * a_row;
    const T* b = t.b + index * t.b_step;
    T* c = t.c + index * t.c_step;
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v += 64 / int(sizeof(V)))
        __builtin_prefetch(c + i * t.c_row + v * V::lanes, 1);
    for (std::int64_t p = t.k; p > 0; --p) {
      V right[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) right[v] = load(b, v);
      b += b_row;
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        const V left = V::broadcast(a[i / 3][i % 3 * a_row]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) acc[i][v] = fma(left, right[v], acc[i][v]);
      }
#pragma GCC unroll 16
      for (int g = 0; g < groups; ++g) a[g] += a_col;
    }
    if (t.total) {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) acc[i][v] = load(t.total + i * t.total_row, v) + acc[i][v];
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        T* to = c + i * t.c_row + v * V::lanes;
        if (partial && v == vectors - 1)
          acc[i][v].store(to, tail);
        else
          acc[i][v].store(to);
      }
  }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

template <class V, int rows, int vectors, bool partial>
constexpr TileFunction<typename V::scalar> tile_or_null() {
  if constexpr (rows <= tile_rows<V>(vectors))
    return tile<V, rows, vectors, partial>;
  else
    return nullptr;
}

// tiles<V, vectors, partial>[rows - 1]
template <class V, int vectors, bool partial>
inline constexpr TileFunction<typename V::scalar> tiles[16] = {
    tile_or_null<V, 1, vectors, partial>(),  tile_or_null<V, 2, vectors, partial>(),
    tile_or_null<V, 3, vectors, partial>(),  tile_or_null<V, 4, vectors, partial>(),
    tile_or_null<V, 5, vectors, partial>(),  tile_or_null<V, 6, vectors, partial>(),
    tile_or_null<V, 7, vectors, partial>(),  tile_or_null<V, 8, vectors, partial>(),
    tile_or_null<V, 9, vectors, partial>(),  tile_or_null<V, 10, vectors, partial>(),
    tile_or_null<V, 11, vectors, partial>(), tile_or_null<V, 12, vectors, partial>(),
    tile_or_null<V, 13, vectors, partial>(), tile_or_null<V, 14, vectors, partial>(),
    tile_or_null<V, 15, vectors, partial>(), tile_or_null<V, 16, vectors, partial>(),
};

// The tile for so many rows, vectors of columns, and columns in the last vector.
template <class V>
STRETTO_INLINE TileFunction<typename V::scalar> tile_for(int rows, int vectors, int tail) {
  const bool partial = tail < V::lanes;
  if constexpr (kVectors > 2) {
    if (vectors == 4) return partial ? tiles<V, 4, true>[rows - 1] : tiles<V, 4, false>[rows - 1];
    if (vectors == 3) return partial ? tiles<V, 3, true>[rows - 1] : tiles<V, 3, false>[rows - 1];
  }
  if (vectors == 2) return partial ? tiles<V, 2, true>[rows - 1] : tiles<V, 2, false>[rows - 1];
  return partial ? tiles<V, 1, true>[rows - 1] : tiles<V, 1, false>[rows - 1];
}

}  // namespace stretto::STRETTO_ISA
