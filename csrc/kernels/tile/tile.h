// The register tile of every sum of products:  c[i, j] = acc[i, j] + sum over p of a[i, p] * b[p, j]
//
// Lanes are columns; each accumulator is one chain of fused multiply-adds with p increasing. A chain is cut
// between two calls by storing the accumulators and starting from them again, which is exact.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/tile/tile_call.h"
#include "simd/add_product.h"
#include "simd/narrow.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kRegisters = 32;
#else
inline constexpr int kRegisters = 16;
#endif
#if defined(__aarch64__) || STRETTO_EMULATE_AMX
inline constexpr int kVectors = 4;  // of a full tile's width
#else
inline constexpr int kVectors = 2;
#endif

// Of the widest tile, for whole rows of narrow matrices.
inline constexpr int kMostVectors = kRegisters == 32 ? 4 : 3;

// Accumulators, one row of b, one broadcast element of a. Products of wide integers are slow enough for a few
// rows to fill the units; each height more is code.
template <class V>
constexpr int tile_rows(int vectors) {
  const int rows = (kRegisters - vectors - 1) / vectors;
  const bool is_slow = std::is_same_v<V, Vec<std::int32_t>> || std::is_same_v<V, Vec<std::int64_t>>;
  const int most = is_slow ? 4 : 16;
  return rows < most ? rows : most;
}

// One row of a tile: vectors of V, the last one of type Last, `partial` when only its first `tail` lanes
// count.
template <class V, int vectors, bool partial, class Last>
struct Line {
  using T = typename V::scalar;
  static constexpr int whole = vectors - 1;
  V head[whole > 0 ? whole : 1];
  Last last;

  STRETTO_INLINE void clear() {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v] = V::zero();
    last = Last::zero();
  }
  STRETTO_INLINE void load(const T* p, int tail) {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v] = V::load(p + v * V::lanes);
    last = partial ? Last::load(p + whole * V::lanes, tail) : Last::load(p + whole * V::lanes);
  }
  STRETTO_INLINE void store(T* p, int tail) const {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v].store(p + v * V::lanes);
    if (partial)
      last.store(p + whole * V::lanes, tail);
    else
      last.store(p + whole * V::lanes);
  }
  STRETTO_INLINE void multiply_add(V left, const Line& right) {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) add_product(head[v], left, right.head[v]);
    add_product(last, first_lanes<Last>(left), right.last);
  }
  STRETTO_INLINE void add_to(const Line& total) {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v] = total.head[v] + head[v];
    last = total.last + last;
  }
  STRETTO_INLINE void add(const Line& term) {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v] = head[v] + term.head[v];
    last = last + term.last;
  }
  STRETTO_INLINE void raise_to(V least) {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v] = max(least, head[v]);
    last = max(first_lanes<Last>(least), last);
  }
  STRETTO_INLINE void lower_to(V most) {
#pragma GCC unroll 4
    for (int v = 0; v < whole; ++v) head[v] = min(most, head[v]);
    last = min(first_lanes<Last>(most), last);
  }
};

template <int rows, class V, class Row>
STRETTO_INLINE void end_rows(const Ending<typename V::scalar>& ending, std::int64_t bias_at,
                             std::int64_t residual_at, int tail, Row (&acc)[rows]) {
  if (ending.bias) {
    Row bias;
    bias.load(ending.bias + bias_at, tail);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) acc[i].add(bias);
  }
  if (ending.residual) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      Row residual;
      residual.load(ending.residual + residual_at + i * ending.residual_row, tail);
      acc[i].add(residual);
    }
  }
  if (ending.has_least) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) acc[i].raise_to(V::broadcast(ending.least));
  }
  if (ending.has_most) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) acc[i].lower_to(V::broadcast(ending.most));
  }
}

// Tiles of one vector are bound by their loads.
template <class V, int vectors>
inline constexpr bool fetches_between = std::is_floating_point_v<typename V::scalar> && vectors > 1;

template <class V, int rows, int vectors, bool partial, class Last = V>
[[gnu::noinline]] void tile(const Tile<typename V::scalar>& t) {
  using T = typename V::scalar;
  using Row = Line<V, vectors, partial, Last>;
  constexpr bool may_be_several = vectors <= kVectors;
  constexpr int groups = (rows + 2) / 3;  // a pointer for three rows: x86 addresses p, p + s, p + 2s at once
  const std::int64_t a_row = t.a_row, a_col = t.a_col, b_row = t.b_row;
  const int tail = t.tail;
  for (std::int64_t index = 0; index < (may_be_several ? t.count : 1); ++index) {
    T* const c = t.c + index * t.c_step;
    if (t.fetches_result) fetch_rows(c, t.c_row, rows, (vectors - 1) * V::lanes + tail);
    Row acc[rows];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) acc[i].clear();
    if (t.start) [[unlikely]] {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) acc[i].load(t.start + index * t.start_step + i * t.start_row, tail);
    }
    const T* a[groups];
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) a[g] = t.a + index * t.a_step + 3 * g * a_row;
    const T* b = t.b + index * t.b_step;
    const char* ahead = reinterpret_cast<const char*>(b);
    std::int64_t ahead_step = 0;
    // The next `terms` of them.
    const auto step = [&](int terms, std::int64_t row, std::int64_t col) __attribute__((always_inline)) {
#pragma GCC unroll 4
      for (int q = 0; q < terms; ++q) {
        if constexpr (fetches_between<V, vectors>) {
#pragma GCC unroll 2
          for (int line = 0; line < kMostStep; line += 64) __builtin_prefetch(ahead + line);
          ahead += ahead_step;
        }
        Row right;
        right.load(b + q * b_row, tail);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
          acc[i].multiply_add(V::broadcast(a[i / 3][i % 3 * row + q * col]), right);
      }
      b += terms * b_row;
#pragma GCC unroll 16
      for (int g = 0; g < groups; ++g) a[g] += terms * col;
    };
    // f(row, col) where a lies in one of the usual ways, for turns with few address computations.
    constexpr int turn = partial || vectors == 1 || !std::is_same_v<V, Last> || !std::is_floating_point_v<T>
                             ? 1
                             : terms_of_turn(rows * vectors, kHasMasks && vectors == 2 && rows > 10 ? 2 : 1);
    const auto with_usual_strides = [&](auto&& f) __attribute__((always_inline)) {
      if constexpr (turn > 1) {
        if (a_col == 1) return f(a_row, std::integral_constant<std::int64_t, 1>());
        if (a_row == 1 && a_col == rows)
          return f(std::integral_constant<std::int64_t, 1>(), std::integral_constant<std::int64_t, rows>());
      }
    };
    const auto add_terms = [&](std::int64_t terms) __attribute__((always_inline)) {
      with_usual_strides([&](std::int64_t row, std::int64_t col) __attribute__((always_inline)) {
        for (; terms >= turn; terms -= turn) step(turn, row, col);
      });
      for (; terms > 0; --terms) step(1, a_row, a_col);
    };
    if constexpr (fetches_between<V, vectors>) {
      std::int64_t rest = t.k;
      int f = 0;
      do {  // one loop for terms with and without something to fetch: each loop more is code
        std::int64_t terms = rest;
        if (f < t.fetches) {
          if (f + 1 < t.fetches) terms = t.fetch[f].terms;
          ahead = t.fetch[f].at + index * t.fetch_step;
          ahead_step = t.fetch[f].step;
        }
        rest -= terms;
        add_terms(terms);
      } while (++f < t.fetches);
    } else {
      fetch_at_once(t, index);
      add_terms(t.k);
    }
    if (t.total) [[unlikely]] {
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i) {
        Row total;
        total.load(t.total + index * t.total_step + i * t.total_row, tail);
        acc[i].add_to(total);
      }
    }
    if constexpr (kHasEndings<T>)
      if (t.ending.exists()) [[unlikely]]
        end_rows<rows, V>(t.ending, index * t.bias_step, index * t.residual_step, tail, acc);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) acc[i].store(c + i * t.c_row, tail);
  }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

template <class V, int rows, int vectors, bool partial, class Last>
constexpr TileFunction<typename V::scalar> tile_or_null() {
  if constexpr (rows <= tile_rows<V>(vectors))
    return tile<V, rows, vectors, partial, Last>;
  else
    return nullptr;
}

// tiles<V, vectors, partial, Last>[rows - 1]
template <class V, int vectors, bool partial, class Last = V>
inline constexpr TileFunction<typename V::scalar> tiles[16] = {
    tile_or_null<V, 1, vectors, partial, Last>(),  tile_or_null<V, 2, vectors, partial, Last>(),
    tile_or_null<V, 3, vectors, partial, Last>(),  tile_or_null<V, 4, vectors, partial, Last>(),
    tile_or_null<V, 5, vectors, partial, Last>(),  tile_or_null<V, 6, vectors, partial, Last>(),
    tile_or_null<V, 7, vectors, partial, Last>(),  tile_or_null<V, 8, vectors, partial, Last>(),
    tile_or_null<V, 9, vectors, partial, Last>(),  tile_or_null<V, 10, vectors, partial, Last>(),
    tile_or_null<V, 11, vectors, partial, Last>(), tile_or_null<V, 12, vectors, partial, Last>(),
    tile_or_null<V, 13, vectors, partial, Last>(), tile_or_null<V, 14, vectors, partial, Last>(),
    tile_or_null<V, 15, vectors, partial, Last>(), tile_or_null<V, 16, vectors, partial, Last>(),
};

// A mask costs AVX-512 nothing, so that the rarer tiles have only the masked form.
template <class V, int vectors, class Last>
inline constexpr bool always_masked = kHasMasks && (vectors > 2 || !std::is_same_v<V, Last>);

// The tile for so many rows, vectors of columns, and columns in the last vector.
template <class V, class Last = V, int vectors = kMostVectors>
STRETTO_INLINE TileFunction<typename V::scalar> tile_for(int rows, int count, int tail) {
  if constexpr (vectors > 1)
    if (count < vectors) return tile_for<V, Last, vectors - 1>(rows, count, tail);
  if (always_masked<V, vectors, Last> || tail < Last::lanes) return tiles<V, vectors, true, Last>[rows - 1];
  if constexpr (!always_masked<V, vectors, Last>) return tiles<V, vectors, false, Last>[rows - 1];
}

}  // namespace stretto::STRETTO_ISA
