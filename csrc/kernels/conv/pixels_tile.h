// The register tile of the pixels kernel: R output channels x V vectors of neighbouring outputs. Lanes are
// outputs of a row; each step broadcasts a weight.
#pragma once

#include "kernels/conv/channel_terms.h"
#include "kernels/conv/pair_order.h"
#include "simd/add_product.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kTileOutputs = 4;
inline constexpr bool kOutputsFirst = true;  // tiles end inside of lines, which the next tile writes on
inline constexpr bool kStoresWhole = true;   // tiles of whole vectors ask once, not for each of them
#else
inline constexpr int kTileOutputs = 8;
inline constexpr bool kOutputsFirst = false;
inline constexpr bool kStoresWhole = false;
#endif
// Whether a tile may finish its sums: float64 would be as much code again.
template <class T>
inline constexpr bool kFinishesPixels = std::is_same_v<T, float>;
inline constexpr int kTileVectors = 3;

template <class T>
struct PixelsTile {
  const T* strip;  // channel 0, output 0 of the tile
  std::int64_t channel_pitch;
  const std::int64_t* offset;  // [channels][taps]
  int taps;
  std::int64_t channels;
  const PairBlock* blocks;  // bfloat16: the terms, instead of channels and taps
  std::int64_t block_count;
  const T* w;  // [term][R]
  T* out;      // outputs of a channel are neighbours
  std::int64_t out_channel;
  std::int64_t vector, out_vector;  // from one vector to the next, in the strip and in the result
  int inner_lanes, last_lanes;      // valid lanes of a vector, of the last one
  const ChannelTerms<T>* terms;     // of the tile's outputs; null: their epilogue is another's task
};

template <class T, int R, int V>
STRETTO_INLINE void finish_pixels(const PixelsTile<T>& t, Vec<T> (&acc)[R][V]) {
  // Most epilogues have one or two of these, and the sums of a short kernel take hardly longer than all.
  const auto all = [&](auto&& f) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) acc[r][v] = f(acc[r][v], t.terms[r]);
  };
  all([](Vec<T> z, const ChannelTerms<T>& terms) { return z + Vec<T>::broadcast(terms.bias); });
  if (t.terms->is_scaled)
    all([](Vec<T> z, const ChannelTerms<T>& terms) {
      return fma(z, Vec<T>::broadcast(terms.scale), Vec<T>::broadcast(terms.shift));
    });
  const Clamp<T>& clamp = t.terms->clamp;
  if (clamp.has_least())
    all([&](Vec<T> z, const ChannelTerms<T>&) { return max(Vec<T>::broadcast(clamp.least), z); });
  if (clamp.has_most())
    all([&](Vec<T> z, const ChannelTerms<T>&) { return min(Vec<T>::broadcast(clamp.most), z); });
}

template <class T, int R, int V>
STRETTO_INLINE void put_pixels(const PixelsTile<T>& t, const Vec<T> (&acc)[R][V]) {
  if (kStoresWhole && t.inner_lanes + t.last_lanes == 2 * Vec<T>::lanes) {
    T* out = t.out;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r, out += t.out_channel)
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) acc[r][v].store(out + v * t.out_vector);
    return;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    T* out = t.out + r * t.out_channel;
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v)
      store_first(acc[r][v], out + v * t.out_vector, v + 1 < V ? t.inner_lanes : t.last_lanes);
  }
}

// One term.
template <class T, int R, int V>
STRETTO_INLINE void add_pixels(const T* x, std::int64_t vector, const T* w, Vec<T> (&acc)[R][V]) {
  Vec<T> pixel[V];
#pragma GCC unroll 3
  for (int v = 0; v < V; ++v) pixel[v] = Vec<T>::load(x + v * vector);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const Vec<T> weight = Vec<T>::broadcast(w[r]);
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) add_product(acc[r][v], weight, pixel[v]);
  }
}

template <class T, int R, int V>
[[gnu::noinline]] void run_pixels_tile(const PixelsTile<T>& t) {
  Vec<T> acc[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) acc[r][v] = Vec<T>::zero();
  const T* w = t.w;
  const T* channel = t.strip;
  const std::int64_t vector = t.vector;
  constexpr int turn = terms_of_turn(R * V);
  if (t.taps == 1) {
    channel += t.offset[0];
    for_terms<turn>(
        t.channels,
        [&](int q) __attribute__((always_inline)) {
          add_pixels(channel + q * t.channel_pitch, vector, w + q * R, acc);
        },
        [&](int terms) __attribute__((always_inline)) {
          channel += terms * t.channel_pitch;
          w += terms * R;
        });
  } else {
    const std::int64_t* offset = t.offset;
    for_terms<turn>(
        t.channels * t.taps,
        [&](int q)
            __attribute__((always_inline)) { add_pixels(channel + offset[q], vector, w + q * R, acc); },
        [&](int terms) __attribute__((always_inline)) {
          offset += terms;
          w += terms * R;
        });
  }
  if constexpr (kFinishesPixels<T>)
    if (t.terms) finish_pixels(t, acc);
  put_pixels(t, acc);
}

template <class T>
using PixelsFunction = void (*)(const PixelsTile<T>&);

template <class T, int V, int R = 1>
STRETTO_INLINE PixelsFunction<T> pixels_tile_of(int outputs) {
  if constexpr (R < kTileOutputs) {
    if (outputs != R) return pixels_tile_of<T, V, R + 1>(outputs);
  }
  return run_pixels_tile<T, R, V>;
}

template <class T>
STRETTO_INLINE PixelsFunction<T> pixels_tile_of(int outputs, int vectors) {
  return vectors == 1   ? pixels_tile_of<T, 1>(outputs)
         : vectors == 2 ? pixels_tile_of<T, 2>(outputs)
                        : pixels_tile_of<T, 3>(outputs);
}

}  // namespace stretto::STRETTO_ISA
