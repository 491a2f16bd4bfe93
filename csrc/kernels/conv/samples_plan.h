// Small maps of several samples: how their samples are cut into blocks, and whether that pays.
#pragma once

#include "kernels/conv/channels_plan.h"

namespace stretto::STRETTO_ISA {

// Fewer samples have lanes for the outputs of each map (planes.h). The time of an element of the strip, and
// of the result, is in products.
#if defined(__AVX512F__)
inline constexpr std::int64_t kLeastSamples = 8, kSampleStripBytes = kMostStripBytes;
inline constexpr double kElementProducts = 1.1, kResultProducts = 1.5;
#elif defined(__AVX2__)
inline constexpr std::int64_t kLeastSamples = 4, kSampleStripBytes = kStripBytes;
inline constexpr double kElementProducts = 6, kResultProducts = 8;
#else
inline constexpr std::int64_t kLeastSamples = 0, kSampleStripBytes = 0;
inline constexpr double kElementProducts = 0, kResultProducts = 0;
#endif
inline constexpr std::int64_t kMostSamples = 24;     // of a block
inline constexpr std::int64_t kMostSampleMap = 100;  // outputs of a map

struct SamplesPlan {
  StripPlan strip;          // of one sample
  std::int64_t blocks = 0;  // of samples; 0: maps one by one are faster
  std::int64_t pitch = 0;   // from one output of the strip to the next: the samples of a block, and room
  ChannelsPlan tiles;       // their vectors, columns, stretch
};

// The taps that meet an element of x for output (oh, ow) of a map.
STRETTO_INLINE TapSet taps_of_output(const Correlation& c, std::int64_t oh, std::int64_t ow) {
  TapSet set = taps_inside(c, 0, oh, 1);
  for (int t = 0; t < c.tap_count; ++t) {
    const std::int64_t column = ow * c.stride[2] + c.taps[t].at[2];
    if (column < 0 || column >= c.x.shape.at[4]) set &= ~(TapSet(1) << t);
  }
  return set;
}

// Those of a channel that meet an element of x, over all outputs of a map.
STRETTO_INLINE double terms_inside(const Correlation& c) {
  std::int64_t terms = 0;
  for (int t = 0; t < c.tap_count; ++t) {
    std::int64_t inside = 1;
    for (const int d : {1, 2}) {
      std::int64_t low, high;
      clip(c.taps[t].at[d], c.stride[d], c.x.shape.at[2 + d], c.out.shape.at[2 + d], low, high);
      inside *= high - low;
    }
    terms += inside;
  }
  return double(terms);
}

// Maps without depth, dense in memory, whose strip has an element for each of x.
STRETTO_INLINE bool may_join_samples(const Correlation& c, const StripPlan& strip) {
  const std::int64_t oh = c.out.shape.at[3], ow = c.out.shape.at[4];
  return c.out.shape.at[0] >= kLeastSamples && oh * ow > 0 && oh * ow <= kMostSampleMap && c.tap_count > 0 &&
         c.tap_count <= kMostTapsOfSet && c.out.shape.at[2] == 1 && c.x.shape.at[2] == 1 &&
         c.x.strides.at[4] == 1 && c.x.strides.at[3] == c.x.shape.at[4] && strip.runs() == 1 &&
         strip.axis[1].stride == 1 && strip.axis[2].stride == 1;
}

// `alone` is the plan for maps one by one; the time of both is in products.
template <class T>
SamplesPlan plan_samples(const Correlation& c, const ChannelsPlan& alone, int threads,
                         const StripPlan& measured) {
  constexpr double kMostInside = 0.88;  // of all terms, for which leaving out the others pays
  SamplesPlan best;
  if (kLeastSamples == 0) return best;
  const std::int64_t oh = c.out.shape.at[3], ow = c.out.shape.at[4], n = c.out.shape.at[0];
  best.strip = measured;
  best.strip.cut(c, oh, ow, StripRuns::undivided, StripRuns::undivided);
  if (c.inputs < kFewChannels || !may_join_samples(c, best.strip)) return best;
  const double terms = terms_inside(c);
  if (terms > kMostInside * double(oh * ow * c.tap_count)) return best;
  threads = sharing_threads(products_of(c), kLeastProducts, threads);
  double best_time = alone.time * 0.95;
  for (std::int64_t most = kMostSamples; most >= kLeastSamples; most -= most > 8 ? 8 : 2) {
    const std::int64_t blocks = divide_up(n, most), samples = divide_up(n, blocks),
                       pitch = divide_up(samples, Vec<T>::lanes) * Vec<T>::lanes,
                       elements = best.strip.channel_pitch() * pitch;
    if (elements * c.inputs * std::int64_t(sizeof(T)) > kSampleStripBytes) continue;
    ChannelsPlan tiles = alone;
    double time = choose_tile(tiles, samples, alone.panels, kMostVectors) * terms;
    time += kElementProducts * double(elements) + kWeightProducts * double(alone.panels * c.tap_count);
    time += kResultProducts * double(samples * oh * ow * c.outputs) / double(c.inputs);
    time *= double(divide_up(blocks * c.groups, threads));
    if (time >= best_time) continue;
    best_time = time * 0.99;
    best.blocks = blocks;
    best.pitch = pitch;
    best.tiles = tiles;
  }
  if (best.blocks == 0) return best;
  const std::int64_t segment = least(c.inputs, c.segment_channels),
                     wanted = greatest(1, least(segment, kStretchTerms / c.tap_count));
  best.tiles.stretch = divide_up(segment, divide_up(segment, wanted));
  return best;
}

}  // namespace stretto::STRETTO_ISA
