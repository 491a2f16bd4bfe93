// The register tile of the maps kernel: R sums of each of V vectors of neighbouring outputs. Lanes are
// outputs; each step broadcasts R weights.
#pragma once

#include "kernels/conv/pixels_tile.h"

namespace stretto::STRETTO_ISA {

// The most vectors beside R sums of each that fit the registers.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kMostMapVectors[] = {0, 6, 4, 3, 3};
#else
inline constexpr int kMostMapVectors[] = {0, 8, 8, 6, 6, 4, 4, 3, 3};
#endif

template <class T>
struct PhaseTile {
  const T* x;  // channel 0, output 0 of the tile
  std::int64_t channel_pitch, channels;
  const std::int64_t* offset;  // [taps]
  int taps;
  const T* w;  // [channel][tap][R]
  T* out;      // [R] rows of sums
  std::int64_t out_row;
  bool first_segment;
  bool ends = false;          // the tile forms the epilogue: these and a clamp
  T bias[kTileOutputs] = {};  // [R]
  Clamp<T> clamp{Activation::none};
};

template <class T, int R, int V>
STRETTO_INLINE void end_phases(const PhaseTile<T>& t, Vec<T> (&acc)[R][V]) {
  const auto all = [&](auto&& f) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = f(acc[r][v], r);
  };
  all([&](Vec<T> z, int r) { return z + Vec<T>::broadcast(t.bias[r]); });
  if (t.clamp.has_least()) all([&](Vec<T> z, int) { return max(Vec<T>::broadcast(t.clamp.least), z); });
  if (t.clamp.has_most()) all([&](Vec<T> z, int) { return min(Vec<T>::broadcast(t.clamp.most), z); });
}

template <class T, int R, int V>
[[gnu::noinline]] void run_phase_tile(const PhaseTile<T>& t) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> acc[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>::zero();
  const T *w = t.w, *channel = t.x;
  const auto add = [&](const T* x) __attribute__((always_inline)) {
    Vec<T> pixel[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) pixel[v] = Vec<T>::load(x + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec<T> weight = Vec<T>::broadcast(w[r]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = fma(weight, pixel[v], acc[r][v]);
    }
    w += R;
  };
  if (t.taps == 1) {
    channel += t.offset[0];
    for (std::int64_t c = t.channels; c > 0; --c, channel += t.channel_pitch) add(channel);
  } else {
    const std::int64_t *const begin = t.offset, *const end = begin + t.taps;
    for (std::int64_t c = t.channels; c > 0; --c, channel += t.channel_pitch)
      for (const std::int64_t* offset = begin; offset != end; ++offset) add(channel + *offset);
  }
  if (!t.first_segment) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>::load(t.out + r * t.out_row + v * lanes) + acc[r][v];
  }
  if constexpr (kHasEndings<T>)
    if (t.ends) end_phases(t, acc);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) acc[r][v].store(t.out + r * t.out_row + v * lanes);
}

template <class T>
using PhaseFunction = void (*)(const PhaseTile<T>&);

template <class T, int R, int V = 1>
STRETTO_INLINE PhaseFunction<T> phase_tile_of(int vectors) {
  if constexpr (V < kMostMapVectors[R]) {
    if (vectors != V) return phase_tile_of<T, R, V + 1>(vectors);
  }
  return run_phase_tile<T, R, V>;
}

template <class T, int R = 1>
STRETTO_INLINE PhaseFunction<T> phase_tile_of_sums(int sums, int vectors) {
  if constexpr (R < kTileOutputs) {
    if (sums != R) return phase_tile_of_sums<T, R + 1>(sums, vectors);
  }
  return phase_tile_of<T, R>(vectors);
}

}  // namespace stretto::STRETTO_ISA
