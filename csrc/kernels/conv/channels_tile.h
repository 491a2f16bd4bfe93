// The register tile of the channels kernel: P neighbouring outputs of a row x V vectors of output channels.
// Lanes are output channels; each step broadcasts an input element.
#pragma once

#include <type_traits>

#include "kernels/conv/reach.h"
#include "kernels/conv/tile_place.h"
#include "simd/add_product.h"

namespace stretto::STRETTO_ISA {

// The most outputs that fit the registers beside V vectors of weights.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kMostPixels[] = {0, 8, 6, 4};
inline constexpr int kMostVectors = 3;
// Products of padding are left out for whole taps of a row only: sums would not stay in 16 registers from one
// case to the next.
inline constexpr bool kLeavesOut = false;
inline constexpr int kFetchedChannels = 16;
inline constexpr bool kStripsByTile = true;  // of 1x1 kernels (tile_strip.h)
// The time of a step of a tile of [vectors][pixels], in that of one product, measured on Zen 3: few sums wait
// for each other, and those of one vector for a free unit.
inline constexpr double kStepTime[][9] = {{0, 0, 0, 0, 0, 0, 0, 0, 0},
                                          {0, 8.5, 8.5, 8.6, 8.8, 10.5, 12.3, 12.6, 13.0},
                                          {0, 8.5, 9.6, 9.2, 9.7, 11.3, 13.5, 0, 0},
                                          {0, 8.5, 11, 10.8, 13.2, 0, 0, 0, 0}};
#elif defined(__AVX512F__)
inline constexpr int kMostPixels[] = {0, 14, 14, 9, 7};  // 4 x 7: a fused step broadcasts from memory
inline constexpr int kMostVectors = 4;
inline constexpr bool kLeavesOut = true;  // products of padding
inline constexpr int kFetchedChannels = 0;
inline constexpr bool kStripsByTile = false;
#else
inline constexpr int kMostPixels[] = {0, 14, 14, 9};
inline constexpr int kMostVectors = 3;
inline constexpr bool kLeavesOut = true;
inline constexpr int kFetchedChannels = 0;
inline constexpr bool kStripsByTile = false;
#endif

inline constexpr int kMostPairVectors = 3;
inline constexpr std::int64_t kManyTerms = 32;  // worth a call of add_terms

template <class T>
struct ChannelsTile {
  // One stretch of channels inside a segment.
  const T* strip;  // channel 0, output 0 of the tile
  std::int64_t channel_pitch;
  const std::int64_t* offset;       // [channels][taps], as far as a stretch goes
  const Reach *reach, *everything;  // [taps]: what the tile's outputs need, and what they need at most
  int taps;
  TapRange inside;  // without kLeavesOut: the taps that the tile's outputs need
  std::int64_t channels;
  const T* w;  // [vector][channel][tap][lane]
  std::int64_t panel_pitch;
  const T* corrections = nullptr;  // where sums of groups start, [vector][lane]; null: at 0
  bool starts, ends, first_segment, last_segment;
  T *sums, *totals;  // [P][V][lanes], kept between stretches and segments
  TilePlace<T> place;
};

// Sums of groups of integers start at corrections, and what lies outside is not 0 to them.
template <class Vector>
inline constexpr bool leaves_out = kLeavesOut && std::is_same_v<Vector, Vec<typename Vector::scalar>>;

// One term for outputs [first, last).
template <int first, int last, class T, class Vector, int V, int P>
STRETTO_INLINE void add_products(const T* x, const T* w, std::int64_t panel_pitch, Vector (&acc)[P][V]) {
  Vector weight[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) weight[v] = Vector::load(w + v * panel_pitch);
#pragma GCC unroll 16
  for (int p = first; p < last; ++p) {
    const Vector pixel = Vector::broadcast(x[p]);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) add_product(acc[p][v], pixel, weight[v]);
  }
}

// Terms, one behind the other in w, of pixels.at(0), pixels.at(1), ...; pixels.next(n) goes on by n terms. In
// a function of its own: beside other loops the compiler would keep the sums in memory.
template <class Vector, int V, int P, class Pixels>
[[gnu::noinline]] void add_terms(Pixels pixels, std::int64_t count, const typename Vector::scalar* w,
                                 std::int64_t panel_pitch, Vector (&acc)[P][V]) {
  constexpr int lanes = Vector::lanes;
  Vector sums[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[p][v] = acc[p][v];
  for_terms<terms_of_turn(P * V)>(
      count,
      [&](int q) __attribute__((always_inline)) {
        add_products<0, P>(pixels.at(q, P), w + q * lanes, panel_pitch, sums);
      },
      [&](int terms) __attribute__((always_inline)) {
        w += terms * lanes;
        pixels.next(terms);
      });
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[p][v] = sums[p][v];
}

// The pixels of one tap, channel after channel.
template <class T>
struct ChannelPixels {
  const T* x;
  std::int64_t pitch;
  STRETTO_INLINE const T* at(int q, [[maybe_unused]] int pixels) const {
    const T* const channel = x + q * pitch;
    if constexpr (kFetchedChannels > 0) __builtin_prefetch(channel + kFetchedChannels * pitch + pixels - 1);
    return channel;
  }
  STRETTO_INLINE void next(int terms) { x += terms * pitch; }
};

// The pixels of taps at offsets from x.
template <class T>
struct TapPixels {
  const T* x;
  const std::int64_t* offset;
  STRETTO_INLINE const T* at(int q, int) const { return x + offset[q]; }
  STRETTO_INLINE void next(int terms) { offset += terms; }
};

// The tile's stretch of all sums, from where they stand, without the taps outside `range`.
template <class Vector, int V, int P>
STRETTO_INLINE void add_stretch(const ChannelsTile<typename Vector::scalar>& t, const Reach* reach,
                                TapRange range, Vector (&acc)[P][V]) {
  using T = typename Vector::scalar;
  constexpr int lanes = Vector::lanes;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      acc[p][v] = t.starts ? Vector::zero() : Vector::load(t.sums + (p * V + v) * lanes);
  if constexpr (!std::is_same_v<Vector, Vec<T>>) {
    if (t.starts && t.corrections) {
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[p][v] = Vector::load(t.corrections + v * t.panel_pitch);
    }
  }

  const T* w = t.w + range.first * lanes;
  const T* channel = t.strip;
  const std::int64_t* offset = t.offset + range.first;
  const std::int64_t pitch = t.panel_pitch, skipped = (t.taps - range.count) * lanes;
  if (range.count == t.taps && t.channels * t.taps >= kManyTerms && !leaves_out<Vector>) {
    if (t.taps == 1)
      return add_terms(ChannelPixels<T>{channel + offset[0], t.channel_pitch}, t.channels, w, pitch, acc);
    return add_terms(TapPixels<T>{channel, offset}, t.channels * t.taps, w, pitch, acc);
  }
  for (std::int64_t c = 0; c < t.channels; ++c, channel += t.channel_pitch, w += skipped) {
    // Where steps of a channel are few and short, its line would be waited for.
    if constexpr (kFetchedChannels > 0)
      __builtin_prefetch(channel + kFetchedChannels * t.channel_pitch + P - 1);
    for (int tap = 0; tap < range.count; ++tap, w += lanes) {
      const T* x = channel + offset[tap];
      switch (leaves_out<Vector> ? reach[tap] : Reach::all) {
        case Reach::all:
          add_products<0, P>(x, w, pitch, acc);
          break;
        case Reach::but_first:
          add_products<1, P>(x, w, pitch, acc);
          break;
        case Reach::but_first_two:
          add_products<2, P>(x, w, pitch, acc);
          break;
        case Reach::but_last:
          add_products<0, P - 1>(x, w, pitch, acc);
          break;
        case Reach::but_last_two:
          add_products<0, P - 2>(x, w, pitch, acc);
          break;
        case Reach::none:
          break;
      }
    }
  }
}

template <class Vector, int V, int P>
[[gnu::noinline]] void run_tile(const ChannelsTile<typename Vector::scalar>& t) {
  using T = typename Vector::scalar;
  constexpr int lanes = Vector::lanes;
  if (t.ends && t.last_segment && t.place.out_pixel == 1)
    for (int o = 0; o < t.place.outputs; ++o)
      __builtin_prefetch(t.place.out + o * t.place.out_channel + P - 1, 1);
  Vector acc[P][V];
  const TapRange all{0, t.taps};
  if constexpr (leaves_out<Vector>) {
    for (const Reach* reach = t.reach;; reach = t.everything) {
      add_stretch(t, reach, all, acc);
      if (reach == t.everything || !has_negative_zero(acc)) break;
    }
  } else if constexpr (std::is_same_v<Vector, Vec<T>>) {
    for (TapRange range = t.inside;; range = all) {
      add_stretch(t, t.everything, range, acc);
      if (range.count == all.count || !has_negative_zero(acc)) break;
    }
  } else {
    add_stretch(t, t.everything, all, acc);
  }

  if (t.ends && !t.first_segment) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[p][v] = Vector::load(t.totals + (p * V + v) * lanes) + acc[p][v];
  }
  if (t.ends && t.last_segment) return put(t.place, acc);
  T* keep = t.ends ? t.totals : t.sums;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[p][v].store(keep + (p * V + v) * lanes);
}

template <class T>
using TileFunction = void (*)(const ChannelsTile<T>&);

// The tile of `vectors` x `pixels`, which must be within the limits above.
template <class Vector, int V, int P = 1>
STRETTO_INLINE TileFunction<typename Vector::scalar> tile_of(int pixels) {
  if constexpr (P < kMostPixels[V]) {
    if (pixels != P) return tile_of<Vector, V, P + 1>(pixels);
  }
  return run_tile<Vector, V, P>;
}

template <class Vector>
STRETTO_INLINE TileFunction<typename Vector::scalar> tile_of(int vectors, int pixels) {
  if constexpr (kMostVectors > 3)
    if (vectors == 4) return tile_of<Vector, 4>(pixels);
  return vectors == 1   ? tile_of<Vector, 1>(pixels)
         : vectors == 2 ? tile_of<Vector, 2>(pixels)
                        : tile_of<Vector, 3>(pixels);
}

}  // namespace stretto::STRETTO_ISA
