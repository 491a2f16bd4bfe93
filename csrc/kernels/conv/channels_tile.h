// The register tile of the channels kernel: P outputs, neighbours or wherever they lie, x V vectors of output
// channels. Lanes are output channels; each step broadcasts an input element.
#pragma once

#include <type_traits>

#include "kernels/conv/negative_zeros.h"
#include "kernels/conv/term_lists.h"
#include "kernels/conv/tile_place.h"
#include "kernels/tile/ending.h"
#include "simd/add_product.h"

namespace stretto::STRETTO_ISA {

// The most outputs that fit the registers beside V vectors of weights.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int kMostPixels[] = {0, 8, 6, 4};
inline constexpr int kMostVectors = 3;
inline constexpr int kFetchedChannels = 16;
inline constexpr bool kSpreads = true;       // outputs lie anywhere in the strip: a register points at each
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
inline constexpr int kFetchedChannels = 16;
inline constexpr bool kSpreads = false;
inline constexpr bool kStripsByTile = false;
#else
inline constexpr int kMostPixels[] = {0, 14, 14, 9};
inline constexpr int kMostVectors = 3;
inline constexpr int kFetchedChannels = 0;
inline constexpr bool kSpreads = false;
inline constexpr bool kStripsByTile = false;
#endif

inline constexpr int kMostPairVectors = 3;

template <class T>
struct ChannelsTile {
  // One stretch of channels inside a segment.
  const T* strip;             // channel 0, output 0 of the tile, or what `pixel` counts from
  const std::int64_t* pixel;  // [P]: where each output lies; null: they are neighbours
  std::int64_t channel_pitch;
  TermList terms, all_terms;  // what the tile's outputs need, and what they need at most
  std::int64_t channels;
  const T* w;  // [vector][channel][tap][lane]
  std::int64_t panel_pitch;
  const T* corrections = nullptr;  // where sums of groups start, [vector][lane]; null: at 0
  bool starts, ends, first_segment, last_segment;
  T *sums, *totals;  // [P][V][lanes], kept between stretches and segments
  TilePlace<T> place;
  Ending<T> ending;
};

// Sums of groups of integers start at corrections, and what lies outside is not 0 to them.
template <class Vector>
inline constexpr bool is_sum_of_floats = std::is_same_v<Vector, Vec<typename Vector::scalar>>;

// What the outputs of a tile meet in one term: neighbours, or elements `offset` from where each lies.
template <class T>
struct Neighbours {
  const T* x;
  STRETTO_INLINE T operator[](int p) const { return x[p]; }
};

template <class T, int P>
struct Spread {
  const T* const (&pixel)[P];
  std::int64_t offset;
  STRETTO_INLINE T operator[](int p) const { return pixel[p][offset]; }
};

// One term.
template <class Pixels, class T, class Vector, int V, int P>
STRETTO_INLINE void add_products(Pixels x, const T* w, std::int64_t panel_pitch, Vector (&acc)[P][V]) {
  Vector weight[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) weight[v] = Vector::load(w + v * panel_pitch);
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    const Vector pixel = Vector::broadcast(x[p]);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) add_product(acc[p][v], pixel, weight[v]);
  }
}

// `count` terms of the tile, from `place` on: those of terms.x(0) and terms.w(0), terms.x(1) ...;
// terms.next(n) goes on by n terms. In a function of its own: beside other loops the compiler would keep the
// sums in memory.
template <class Terms, class Vector, int V, int P>
[[gnu::noinline]] void add_terms(const ChannelsTile<typename Vector::scalar>& t, const TermPlace* place,
                                 std::int64_t count, Vector (&acc)[P][V]) {
  Terms terms(t, place);
  const std::int64_t pitch = t.panel_pitch;
  Vector sums[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[p][v] = acc[p][v];
  for_terms<terms_of_turn(P * V)>(
      count, [&](int q) __attribute__((always_inline)) { add_products(terms.x(q), terms.w(q), pitch, sums); },
      [&](int n) __attribute__((always_inline)) { terms.next(n); });
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[p][v] = sums[p][v];
}

// One tap of neighbours, channel after channel.
template <class T, int P, int lanes>
struct TapTerms {
  const T *pixels, *weights;
  std::int64_t pitch, ahead;  // of few channels too many of those fetched would be of no use
  STRETTO_INLINE TapTerms(const ChannelsTile<T>& t, const TermPlace* place)
      : pixels(t.strip + place->x),
        weights(t.w),
        pitch(t.channel_pitch),
        ahead(t.channels >= 4 * kFetchedChannels ? kFetchedChannels * pitch + P - 1 : 0) {}
  STRETTO_INLINE Neighbours<T> x(int q) const {
    const T* const channel = pixels + q * pitch;
    if constexpr (kFetchedChannels > 0) __builtin_prefetch(channel + ahead);
    return {channel};
  }
  STRETTO_INLINE const T* w(int q) const { return weights + q * lanes; }
  STRETTO_INLINE void next(int terms) {
    pixels += terms * pitch;
    weights += terms * lanes;
  }
};

// Listed terms of neighbours, or of outputs that lie anywhere. Their weights lie one behind the other if they
// are all terms.
template <class T, int P>
struct NeighbourPixels {
  const T* x;
  STRETTO_INLINE explicit NeighbourPixels(const ChannelsTile<T>& t) : x(t.strip) {}
  STRETTO_INLINE Neighbours<T> at(std::int64_t offset) const { return {x + offset}; }
};

template <class T, int P>
struct SpreadPixels {
  const T* pixel[P];
  STRETTO_INLINE explicit SpreadPixels(const ChannelsTile<T>& t) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) pixel[p] = t.strip + (t.pixel ? t.pixel[p] : p);
  }
  STRETTO_INLINE Spread<T, P> at(std::int64_t offset) const { return {pixel, offset}; }
};

template <class T, int P, int lanes, bool are_all>
struct ListedTerms {
  std::conditional_t<kSpreads, SpreadPixels<T, P>, NeighbourPixels<T, P>> pixels;
  const T* weights;
  const TermPlace* place;
  STRETTO_INLINE ListedTerms(const ChannelsTile<T>& t, const TermPlace* place)
      : pixels(t), weights(t.w), place(place) {}
  STRETTO_INLINE auto x(int q) const { return pixels.at(place[q].x); }
  STRETTO_INLINE const T* w(int q) { return are_all ? weights + q * lanes : weights += place[q].w; }
  STRETTO_INLINE void next(int terms) {
    place += terms;
    if (are_all) weights += terms * lanes;
  }
};

template <class Vector, int V, int P>
STRETTO_INLINE void start_sums(const ChannelsTile<typename Vector::scalar>& t, Vector (&acc)[P][V]) {
  constexpr int lanes = Vector::lanes;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      acc[p][v] = t.starts ? Vector::zero() : Vector::load(t.sums + (p * V + v) * lanes);
  if constexpr (!is_sum_of_floats<Vector>) {
    if (t.starts && t.corrections) {
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[p][v] = Vector::load(t.corrections + v * t.panel_pitch);
    }
  }
}

// The tile's stretch of all sums, the terms of a list.
template <class Vector, int V, int P>
STRETTO_INLINE void add_listed(const ChannelsTile<typename Vector::scalar>& t, const TermList& list,
                               Vector (&acc)[P][V]) {
  using T = typename Vector::scalar;
  constexpr int lanes = Vector::lanes;
  const std::int64_t count = t.channels * list.taps;
  if (is_sum_of_floats<Vector> && list.taps < t.all_terms.taps)
    add_terms<ListedTerms<T, P, lanes, false>>(t, list.terms, count, acc);
  else if (list.taps == 1 && !t.pixel)
    add_terms<TapTerms<T, P, lanes>>(t, list.terms, count, acc);
  else
    add_terms<ListedTerms<T, P, lanes, true>>(t, list.terms, count, acc);
}

template <class Vector, int V, int P>
[[gnu::noinline]] void run_tile(const ChannelsTile<typename Vector::scalar>& t) {
  using T = typename Vector::scalar;
  constexpr int lanes = Vector::lanes;
  if (t.ends && t.last_segment && t.place.out_pixel == 1)
    for (int o = 0; o < t.place.outputs; ++o)
      __builtin_prefetch(t.place.out + o * t.place.out_channel + P - 1, 1);
  Vector acc[P][V];
  if constexpr (!is_sum_of_floats<Vector>) {
    start_sums(t, acc);
    add_listed(t, t.all_terms, acc);
  } else {
    for (TermList list = t.terms;; list = t.all_terms) {
      start_sums(t, acc);
      add_listed(t, list, acc);
      if (list.taps == t.all_terms.taps || !has_negative_zero(acc)) break;
    }
  }

  if (t.ends && !t.first_segment) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) acc[p][v] = Vector::load(t.totals + (p * V + v) * lanes) + acc[p][v];
  }
  if (t.ends && t.last_segment) {
    if constexpr (kHasEndings<T> && is_sum_of_floats<Vector>) end_outputs(t.ending, acc);
    return put(t.place, acc);
  }
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
