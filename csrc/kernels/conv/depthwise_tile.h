// Rows of a depthwise convolution with a small square kernel: every input vector is loaded once for the
// output rows that it meets.
#pragma once

#include "simd/simd.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kDepthwiseVectors = 1;
#else
inline constexpr int kDepthwiseVectors = 2;
#endif
inline constexpr int kDepthwiseRows = 4;

template <class T>
struct DepthwiseTile {
  const T* strip;                    // element (0, 0) of the first run
  std::int64_t row_run, column_run;  // distances of the runs of neighbouring phases
  std::int64_t row_pitch;
  const T* w;  // [K][K]
  T* out;
  std::int64_t out_row;
  std::int64_t rows, columns;
};

// R output rows x V vectors at columns from `q` on.
template <class T, int K, int S, int R, int V>
STRETTO_INLINE void depthwise_rows(const DepthwiseTile<T>& t, std::int64_t r, std::int64_t q,
                                   int last_lanes) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> acc[R][V];
#pragma GCC unroll 4
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) acc[i][v] = Vec<T>::zero();
#pragma GCC unroll 16
  for (int j = 0; j < (R - 1) * S + K; ++j) {  // input rows of the tile
    const T* row = t.strip + j % S * t.row_run + (r + j / S) * t.row_pitch + q;
#pragma GCC unroll 5
    for (int k = 0; k < K; ++k) {
      const T* x = row + k % S * t.column_run + k / S;
      Vec<T> pixel[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) pixel[v] = Vec<T>::load(x + v * lanes);
#pragma GCC unroll 4
      for (int i = 0; i < R; ++i) {
        if (j < i * S || j - i * S >= K) continue;
        const Vec<T> weight = Vec<T>::broadcast(t.w[(j - i * S) * K + k]);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) acc[i][v] = fma(weight, pixel[v], acc[i][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < R; ++i) {
    T* out = t.out + (r + i) * t.out_row + q;
#pragma GCC unroll 2
    for (int v = 0; v + 1 < V; ++v) acc[i][v].store(out + v * lanes);
    store_first(acc[i][V - 1], out + (V - 1) * lanes, last_lanes);
  }
}

template <class T, int K, int S, int R>
STRETTO_INLINE void depthwise_band(const DepthwiseTile<T>& t, std::int64_t r) {
  constexpr int lanes = Vec<T>::lanes, V = kDepthwiseVectors;
  std::int64_t q = 0;
  for (; q + (V - 1) * lanes < t.columns; q += V * lanes) {
    const std::int64_t left = t.columns - q - (V - 1) * lanes;
    depthwise_rows<T, K, S, R, V>(t, r, q, int(left < lanes ? left : lanes));
  }
  if constexpr (V > 1) {
    if (q < t.columns) depthwise_rows<T, K, S, R, 1>(t, r, q, int(t.columns - q));
  }
}

template <class T, int K, int S>
[[gnu::noinline]] void run_depthwise(const DepthwiseTile<T>& t) {
  std::int64_t r = 0;
  for (; r + kDepthwiseRows <= t.rows; r += kDepthwiseRows) depthwise_band<T, K, S, kDepthwiseRows>(t, r);
  for (; r < t.rows; ++r) depthwise_band<T, K, S, 1>(t, r);
}

template <class T>
using DepthwiseFunction = void (*)(const DepthwiseTile<T>&);

// Null where there is no such tile.
template <class T>
STRETTO_INLINE DepthwiseFunction<T> depthwise_tile_of(std::int64_t kernel, std::int64_t stride) {
  if (kernel == 3)
    return stride == 1 ? run_depthwise<T, 3, 1> : stride == 2 ? run_depthwise<T, 3, 2> : nullptr;
  if (kernel == 5)
    return stride == 1 ? run_depthwise<T, 5, 1> : stride == 2 ? run_depthwise<T, 5, 2> : nullptr;
  return nullptr;
}

}  // namespace stretto::STRETTO_ISA
