// The channels kernel for small maps of several samples: neighbours in a tile are one output of several
// samples, which the strip holds side by side: [channel][row][column][sample]. All outputs of a tile meet the
// same padding, whose terms are left out.
#pragma once

#include "kernels/conv/channel_terms.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/samples_plan.h"
#include "simd/partial.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct SamplesRun {
  const Correlation& c;
  const SamplesPlan& plan;
  const TermLists& lists;       // one for each output of a map
  const std::int64_t* element;  // where an element of a map of x lies in the strip; -1: it is not read
  const T *packed, *doubts;     // weights, and [group][panel]: 0 where all are finite
  bool ends;                    // tiles form the epilogue,
  const Correlation& rest;      // and this is what is left
};

// Squares of `count` rows, `step` apart, turned round: lane i of row k becomes element place(k) of `to` + i.
template <class T, class Place>
STRETTO_INLINE void turn_round(const T* from, std::int64_t step, int rows, std::int64_t count,
                               Place&& place) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t first = 0; first < count; first += lanes) {
    const Part<T> part(0, count - first);
    Vec<T> row[lanes];
#pragma GCC unroll 8
    for (int r = 0; r < lanes; ++r) row[r] = r < rows ? part.load(from + r * step + first) : Vec<T>::zero();
    transpose(row);
#pragma GCC unroll 8
    for (int k = 0; k < lanes; ++k)
      if (first + k < count)
        if (T* const to = place(first + k)) row[k].store(to);
  }
}

// The strip of samples [0, samples); x points at the first one's group.
template <class T>
[[gnu::noinline]] void fill_samples(const SamplesRun<T>& run, const T* x, std::int64_t samples, T* strip) {
  constexpr int lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  const std::int64_t map = c.x.shape.at[3] * c.x.shape.at[4], pitch = run.plan.pitch,
                     channel_pitch = run.plan.strip.channel_pitch() * pitch;
  for (std::int64_t i = 0; i < c.inputs * channel_pitch; i += lanes) Vec<T>::zero().store(strip + i);
  for (std::int64_t channel = 0; channel < c.inputs; ++channel, strip += channel_pitch)
    for (std::int64_t s = 0; s < samples; s += lanes)
      turn_round(x + s * c.x.strides.at[0] + channel * c.x.strides.at[1], c.x.strides.at[0],
                 int(least(lanes, samples - s)), map, [&](std::int64_t i) {
                   return run.element[i] < 0 ? nullptr : strip + run.element[i] * pitch + s;
                 });
}

// Samples [n, n + samples) of a group.
template <class T>
[[gnu::noinline]] void run_samples_block(const SamplesRun<T>& run, std::int64_t n, std::int64_t samples,
                                         std::int64_t group) {
  constexpr int lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  const ChannelsPlan& plan = run.plan.tiles;
  const std::int64_t columns = c.out.shape.at[4], map = c.out.shape.at[3] * columns, pitch = run.plan.pitch,
                     channel_pitch = run.plan.strip.channel_pitch() * pitch,
                     panel_pitch = c.inputs * c.tap_count * lanes, width = plan.vectors * lanes,
                     tiles = divide_up(samples, plan.tile_columns), tile_size = plan.tile_columns * width,
                     sums_size = map * tiles * tile_size, line = divide_up(map, lanes) * lanes;
  const bool keeps = least(plan.stretch, c.segment_channels) < c.inputs;
  const auto memory = [](std::int64_t elements) { return elements * std::int64_t(sizeof(T)); };
  const Scratch strip(memory(c.inputs * channel_pitch)), sums(memory(keeps ? 2 * sums_size : 0)),
      result(memory(map * samples * width)), turned(memory(width * line));
  fill_samples(run, c.x.as<T>() + n * c.x.strides.at[0] + group * c.channels * c.x.strides.at[1], samples,
               strip.as<T>());
  const StripPlan& strip_plan = run.plan.strip;
  const auto place = [&](std::int64_t i) {
    return (i / columns * strip_plan.row_pitch() * strip_plan.axis[1].spread +
            i % columns * strip_plan.axis[2].spread) *
           pitch;
  };

  for (std::int64_t panel = 0; panel < plan.panels; panel += plan.vectors) {
    const int vectors = int(least(plan.vectors, plan.panels - panel));
    bool leaves_out = true;
    for (int v = 0; v < vectors; ++v) leaves_out &= run.doubts[group * plan.panels + panel + v] == 0;
    ChannelsTile<T> tile;
    tile.pixel = nullptr;
    tile.channel_pitch = channel_pitch;
    tile.all_terms = run.lists.all();
    tile.panel_pitch = panel_pitch;
    tile.place.outputs = int(least(vectors * lanes, c.outputs - panel * lanes));
    alignas(64) T bias[kMostVectors * lanes];
    if (run.ends)
      tile.ending = ending_of(*c.epilogue, group * c.outputs + panel * lanes, tile.place.outputs, bias);
    tile.place.out_channel = 1;
    tile.place.out_pixel = width;
    for (std::int64_t c0 = 0, c1; c0 < c.inputs; c0 = c1) {
      const std::int64_t segment = c0 / c.segment_channels * c.segment_channels,
                         segment_end = least(c.inputs, segment + c.segment_channels);
      c1 = least(c0 + plan.stretch, segment_end);
      tile.channels = c1 - c0;
      tile.starts = c0 == segment;
      tile.ends = c1 == segment_end;
      tile.first_segment = segment == 0;
      tile.last_segment = c1 == c.inputs;
      tile.w = run.packed + (group * plan.panels + panel) * panel_pitch + c0 * c.tap_count * lanes;
      for (std::int64_t i = 0; i < map; ++i) {
        tile.terms = leaves_out ? run.lists.of(i) : tile.all_terms;
        tile.strip = strip.as<T>() + c0 * channel_pitch + place(i);
        tile.place.out = result.as<T>() + i * samples * width;
        tile.sums = sums.as<T>() + i * tiles * tile_size;
        const std::int64_t wide = samples - tiles * (divide_up(samples, tiles) - 1);
        for (std::int64_t t = 0; t < tiles; ++t) {
          const int outputs = int(divide_up(samples, tiles) - (t >= wide));
          tile.totals = tile.sums + sums_size;
          tile_of<Vec<T>>(vectors, outputs)(tile);
          tile.strip += outputs;
          tile.place.out += outputs * width;
          tile.sums += tile_size;
        }
      }
    }
    for (std::int64_t s = 0; s < samples; ++s) {
      for (std::int64_t i = 0; i < map; i += lanes)
        turn_round(result.as<T>() + (i * samples + s) * width, samples * width, int(least(lanes, map - i)),
                   vectors * lanes, [&](std::int64_t o) { return turned.as<T>() + o * line + i; });
      finish_block<T, T, T>(run.rest, turned.as<T>(), {line, columns, 1}, n + s, group, 0, 0, 0,
                            panel * lanes, tile.place.outputs, c.out.shape.at[3], columns);
    }
  }
}

// The whole call; `packed` is as for the channels kernel.
template <class T>
void run_samples(const Correlation& c, const SamplesPlan& plan, const T* packed, int threads) {
  const std::int64_t columns = c.x.shape.at[4], map = c.x.shape.at[3] * columns, n = c.out.shape.at[0],
                     pitch = plan.pitch;
  const StripAxis &height = plan.strip.axis[1], &width = plan.strip.axis[2];
  const Scratch elements(map * std::int64_t(sizeof(std::int64_t)));
  for (std::int64_t i = 0; i < map; ++i) {
    const std::int64_t row = i / columns - height.low, column = i % columns - width.low;
    const bool is_read = row >= 0 && row < height.count && column >= 0 && column < width.count;
    elements.as<std::int64_t>()[i] = is_read ? row * plan.strip.row_pitch() + column : -1;
  }
  const std::int64_t ow = c.out.shape.at[4];
  const TermLists lists(
      c, plan.tiles.stretch, plan.strip.channel_pitch() * pitch, Vec<T>::lanes, c.out.shape.at[3] * ow,
      [&](int t) { return plan.strip.offset(c.taps[t]) * pitch; },
      [&](std::int64_t i) { return taps_of_output(c, i / ow, i % ow); });
  const T* const doubts = packed + c.groups * plan.tiles.panels * c.inputs * c.tap_count * Vec<T>::lanes;
  const bool ends = ends_in_tiles<T>(*c.epilogue);
  const Correlation rest = ends ? without_epilogue(c) : c;
  const SamplesRun<T> run{c, plan, lists, elements.as<std::int64_t>(), packed, doubts, ends, rest};
  share_tasks(plan.blocks * c.groups, products_of(c), kLeastProducts, threads,
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) {
                  const std::int64_t block = i / c.groups, first = block * n / plan.blocks,
                                     last = (block + 1) * n / plan.blocks;
                  run_samples_block(run, first, last - first, i % c.groups);
                }
              });
}

}  // namespace stretto::STRETTO_ISA
