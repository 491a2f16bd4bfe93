// Where the sums of a tile go whose lanes are output channels: as they are, or turned round.
#pragma once

#include <cstdint>

#include "simd/store_first.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// Where a tile's result goes: element (output channel, output), one of the two strides being 1.
template <class T>
struct TilePlace {
  T* out;
  std::int64_t out_channel, out_pixel;
  int outputs;  // valid channels
};

// Outputs of one channel from `first` on, of P in all.
template <int P, class Vector>
STRETTO_INLINE void put_row(Vector row, typename Vector::scalar* out, int first) {
  constexpr int lanes = Vector::lanes;
  if (first + lanes <= P)
    row.store(out + first);
  else if constexpr (P % lanes != 0)
    store_first<P % lanes>(row, out + first);
}

template <class T, class Vector, int V, int P>
STRETTO_INLINE void put(const TilePlace<T>& t, Vector (&acc)[P][V]) {
  constexpr int lanes = Vector::lanes;
  if (t.out_channel == 1) {
    for (int v = 0; v < V; ++v) {
      const int n = t.outputs - v * lanes < lanes ? t.outputs - v * lanes : lanes;
      if (n == lanes) {
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) acc[p][v].store(t.out + p * t.out_pixel + v * lanes);
      } else {
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) store_first(acc[p][v], t.out + p * t.out_pixel + v * lanes, n);
      }
    }
    return;
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int n = t.outputs - v * lanes < lanes ? t.outputs - v * lanes : lanes;
    T* out = t.out + v * lanes * t.out_channel;
#pragma GCC unroll 16
    for (int first = 0; first < P; first += lanes) {
      Vector row[lanes];
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i)
        row[i] = first + i < P ? acc[first + i < P ? first + i : 0][v] : Vector::zero();
      transpose(row);
      if (n == lanes) {
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) put_row<P>(row[i], out + i * t.out_channel, first);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i)
          if (i < n) put_row<P>(row[i], out + i * t.out_channel, first);
      }
    }
  }
}

}  // namespace stretto::STRETTO_ISA
