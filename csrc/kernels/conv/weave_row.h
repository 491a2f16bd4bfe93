// The column phases of rows woven into them.
#pragma once

#include "simd/interleave.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

// Rows of a map of the result, from `to` on: column w of row y is that of phase (y % row_phases, w % stride)
// at position (y / row_phases, w / stride), positions of a row being `pitch` apart.
template <class T>
struct WovenRows {
  const T* const* lines;  // [row phase][column phase]
  std::int64_t row_phases, column_phases, stride;
  std::int64_t rows, columns, pitch;
  T* to;
  std::int64_t step;
};

// The first `columns` elements of S vectors that are woven.
template <class T, int S>
STRETTO_INLINE void store_woven(const Vec<T> (&x)[S], T* to, std::int64_t columns) {
  constexpr int lanes = Vec<T>::lanes;
#pragma GCC unroll 8
  for (int b = 0; b < S; ++b) {
    if (columns >= (b + 1) * lanes)
      x[b].store(to + b * lanes);
    else if (columns > b * lanes)
      store_first(x[b], to + b * lanes, int(columns - b * lanes));
  }
}

// Lines are read in whole vectors.
template <class T, int S>
STRETTO_INLINE void weave_vectors(const WovenRows<T>& t) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t full = t.columns / (S * lanes), rest = t.columns % (S * lanes);
  T* row = t.to;
  for (std::int64_t y = 0, phase = 0, first = 0; y < t.rows; ++y, row += t.step) {
    const T* line[S];
#pragma GCC unroll 8
    for (int b = 0; b < S; ++b) line[b] = t.lines[phase * S + b] + first;
    T* to = row;
    std::int64_t i = 0;
    Vec<T> x[S];
    const auto weave = [&] {
#pragma GCC unroll 8
      for (int b = 0; b < S; ++b) x[b] = Vec<T>::load(line[b] + i);
      interleave<T, S>(x);
    };
    for (std::int64_t v = 0; v < full; ++v, i += lanes, to += S * lanes) {
      weave();
#pragma GCC unroll 8
      for (int b = 0; b < S; ++b) x[b].store(to + b * lanes);
    }
    if (rest > 0) {
      weave();
      store_woven<T, S>(x, to, rest);
    }
    if (++phase == t.row_phases) phase = 0, first += t.pitch;
  }
}

template <class T>
STRETTO_INLINE void weave_rows(const WovenRows<T>& t) {
  if (t.column_phases == t.stride) {
    if (t.stride == 1) return weave_vectors<T, 1>(t);
    if (t.stride == 2) return weave_vectors<T, 2>(t);
    if (t.stride == 4) return weave_vectors<T, 4>(t);
    if (t.stride == 8) return weave_vectors<T, 8>(t);
  }
  for (std::int64_t y = 0; y < t.rows; ++y) {
    const T* const* const lines = t.lines + y % t.row_phases * t.column_phases;
    for (std::int64_t i = y / t.row_phases * t.pitch, w = 0; w < t.columns; ++i)
      for (std::int64_t b = 0; b < t.stride && w < t.columns; ++b, ++w) t.to[y * t.step + w] = lines[b][i];
  }
}

}  // namespace stretto::STRETTO_ISA
