// The channels kernel: lanes are output channels. For every block of outputs the strip of the input that it
// reads is copied once, unless it can be read where it lies; then each register tile runs over a stretch of
// channels whose weights stay in a cache.
#pragma once

#include "kernels/conv/block_cut.h"
#include "kernels/conv/channel_terms.h"
#include "kernels/conv/channels_weights.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/pair_channels.h"
#include "kernels/conv/planes.h"
#include "kernels/conv/samples.h"
#include "kernels/conv/tile_strip.h"
#include "kernels/conv/weights_ahead.h"

namespace stretto::STRETTO_ISA {

// How sums of one chain an output are formed, and their operands copied.
template <class From, class T>
struct ChannelChains {
  using Input = From;
  using Operand = From;  // of the epilogue
  using Sum = T;
  using Vector = Vec<T>;
  static constexpr int corrections = 0;
  static constexpr bool corrects = false, leaves_out = true, packs_panels = true;

  STRETTO_INLINE static std::int64_t packed_size(const Correlation& c) { return channels_packed_size<T>(c); }
  STRETTO_INLINE static void pack(const Correlation& c, T* packed, int threads) {
    pack_channels<From, T>(c, packed, threads);
  }
  STRETTO_INLINE static T pack(const Correlation& c, std::int64_t group, std::int64_t panel, T* to) {
    return pack_panel<From, T>(c, group, panel, to);
  }
  // Channels [first, last) of the group; x points at its first channel.
  STRETTO_INLINE static void fill(const Correlation& c, const StripPlan& plan, const From* x,
                                  std::int64_t first, std::int64_t last, std::int64_t od, std::int64_t oh,
                                  std::int64_t ow, T* to) {
    fill_strip<From, T>(c, plan, x + first * c.x.strides[1], last - first, od, oh, ow, to);
  }
};

// Where the outputs of a line lie, from its first one on; returns whether they are neighbours.
STRETTO_INLINE bool fill_pixels(const Correlation& c, const ChannelsPlan& plan, const StripPlan& strip,
                                std::int64_t* pixel) {
  const std::int64_t row = row_step(c, plan, strip), column = column_step(c, plan, strip);
  for (std::int64_t r = 0; r < (plan.is_flat ? plan.rows : 1); ++r)
    for (std::int64_t i = 0; i < plan.columns; ++i) *pixel++ = r * row + i * column;
  return column == 1 && (!plan.is_flat || row == plan.columns);
}

// Whether tiles leave out products of padding.
template <class Steps>
STRETTO_INLINE bool leaves_out_padding(const Correlation& c) {
  return Steps::leaves_out && c.inputs >= kFewChannels;
}

STRETTO_INLINE std::int64_t rows_of_line(const ChannelsPlan& plan) { return plan.is_flat ? plan.rows : 1; }

// Everything that the blocks of one call share.
template <class Steps, class Out>
struct ChannelsRun {
  const Correlation& c;
  const ChannelsPlan& plan;
  const typename Steps::Sum* packed;  // null: a block packs what it needs
  const StripPlan& strip;
  const TermLists& lists;             // of a stretch's terms in the strip, or in x; one for each line
  const std::int64_t* pixel;          // where a line's outputs lie there; null: they are neighbours
  const typename Steps::Sum* doubts;  // [group][panel]: 0 where all weights are finite
  bool ends;                          // tiles form the epilogue,
  const Correlation& rest;            // and this is what is left
};

// One block: outputs [ow, ow + columns) of rows [oh, oh + rows), output panels [first_panel, last_panel).
template <class Steps, class Out>
[[gnu::noinline]] void run_block(const ChannelsRun<Steps, Out>& run, std::int64_t n, std::int64_t group,
                                 std::int64_t od, std::int64_t oh, std::int64_t ow, std::int64_t first_panel,
                                 std::int64_t last_panel) {
  using T = typename Steps::Sum;
  using From = typename Steps::Input;
  constexpr int lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  const ChannelsPlan& plan = run.plan;
  const StripPlan& strip = run.strip;
  const bool direct = is_same<T, Out> &&
                      (c.out.strides[1] == 1 || (c.out.strides[4] == 1 && !results_meet_in_sets<T>(c, plan)));
  const BlockCut cut(c, plan, oh, ow);
  const std::int64_t pitch = plan.by_tile   ? cut.width
                             : plan.reads_x ? c.x.strides[1]
                                            : strip.channel_pitch(),
                     piece = tile_pitch<T>(plan.strip_channels, cut.width),
                     strip_size = plan.by_tile ? cut.lines * cut.tiles * piece : plan.strip_channels * pitch,
                     panel_pitch = (Steps::corrections + c.inputs * c.tap_count) * lanes;
  const std::int64_t tile_size = plan.vectors * lanes * cut.width;
  const std::int64_t row = row_step(c, plan, strip);
  const bool whole = plan.strip_channels >= c.inputs;
  const bool keeps = least(plan.stretch, c.segment_channels) < c.inputs;
  const Scratch own_weights(run.packed ? 0 : plan.vectors * panel_pitch * std::int64_t(sizeof(T)));
  const Scratch strip_memory(plan.reads_x ? 0 : strip_size * std::int64_t(sizeof(T)));
  const Scratch dealt(plan.by_tile ? plan.rows * plan.columns * std::int64_t(sizeof(T)) : 0);
  const Scratch sums(keeps ? 2 * cut.lines * cut.tiles * tile_size * std::int64_t(sizeof(T)) : 0);
  const BlockLayout layout = result_layout<T>(c, cut);
  const Scratch result(direct ? 0 : result_size<T>(cut) * std::int64_t(sizeof(T)));
  const bool may_leave_out = leaves_out_padding<Steps>(c);
  const std::int64_t line_rows = rows_of_line(plan), lines_of_depth = divide_up(c.out.shape.at[3], line_rows);
  const From* x = c.x.as<From>() + n * c.x.strides[0] + group * c.channels * c.x.strides[1];
  const T* all_channels = strip_memory.as<T>();
  const auto fill = [&](std::int64_t first, std::int64_t last) {
    if constexpr (kStripsByTile && is_same<Steps, ChannelChains<T, T>>) {
      if (plan.by_tile)
        return fill_tiles<T>(c, strip, cut, x + first * c.x.strides[1], last - first, od, oh, ow,
                             dealt.as<T>(), strip_memory.as<T>(), piece);
    }
    Steps::fill(c, strip, x, first, last, od, oh, ow, strip_memory.as<T>());
  };
  if (plan.reads_x)
    all_channels = reinterpret_cast<const T*>(x) + place_in_x(c, od, oh, ow);
  else if (whole && c.inputs > 0)
    fill(0, c.inputs);

  Out* const out = c.out.as<Out>() + n * c.out.strides[0] + group * c.outputs * c.out.strides[1] +
                   od * c.out.strides[2] + oh * c.out.strides[3] + ow * c.out.strides[4];
  for (std::int64_t panel = first_panel; panel < last_panel; panel += plan.vectors) {
    const int vectors = int(least(plan.vectors, last_panel - panel));
    ChannelsTile<T> tile;
    tile.channel_pitch = pitch;
    tile.all_terms = run.lists.all();
    bool leaves_out = may_leave_out;
    const T* weights = own_weights.as<T>();
    if (run.packed) {
      weights = run.packed + (group * plan.panels + panel) * panel_pitch;
      for (int v = 0; v < vectors; ++v)
        leaves_out = leaves_out && run.doubts[group * plan.panels + panel + v] == 0;
    } else if constexpr (Steps::packs_panels) {
      for (int v = 0; v < vectors; ++v)
        leaves_out =
            (Steps::pack(c, group, panel + v, own_weights.as<T>() + v * panel_pitch) == 0) && leaves_out;
    }
    tile.panel_pitch = panel_pitch;
    if constexpr (Steps::corrects) tile.corrections = weights;
    tile.place.outputs = int(least(vectors * lanes, c.outputs - panel * lanes));
    alignas(64) T bias[kMostVectors * lanes];
    if (run.ends)
      tile.ending = ending_of(*c.epilogue, group * c.outputs + panel * lanes, tile.place.outputs, bias);
    T* target = result.template as<T>();
    std::int64_t target_row = layout.row;
    tile.place.out_channel = layout.channel;
    tile.place.out_pixel = layout.column;
    if (direct) {
      target = reinterpret_cast<T*>(out) + panel * lanes * c.out.strides[1];
      target_row = c.out.strides[3];
      tile.place.out_channel = c.out.strides[1];
      tile.place.out_pixel = c.out.strides[4];
    }
    for (std::int64_t c0 = 0; c0 == 0 || c0 < c.inputs;) {
      const std::int64_t segment = c0 / c.segment_channels * c.segment_channels;
      const std::int64_t segment_end = least(c.inputs, segment + c.segment_channels);
      const std::int64_t c1 = least(c0 + plan.stretch, segment_end);
      tile.channels = c1 - c0;
      tile.starts = c0 == segment;
      tile.ends = c1 == segment_end;
      tile.first_segment = segment == 0;
      tile.last_segment = c1 == c.inputs;
      tile.w = weights + (Steps::corrections + c0 * c.tap_count) * lanes;
      const T* source = all_channels + (whole ? c0 * pitch : 0);
      if (!whole) fill(c0, c1);
      const T* const next =
          c1 < c.inputs ? weights + c1 * c.tap_count * lanes : weights + vectors * panel_pitch;
      const WeightsAhead<T> ahead(next, tile.channels * c.tap_count * lanes, panel_pitch, vectors,
                                  cut.lines * cut.tiles,
                                  plan.by_tile ? 0 : c.outputs * c.inputs * c.tap_count);
      cut.for_each_tile([&](std::int64_t index, std::int64_t line, std::int64_t first, int outputs) {
        ahead.fetch(index);
        tile.terms = leaves_out ? run.lists.of(od * lines_of_depth + oh / line_rows + line) : tile.all_terms;
        tile.strip = source + (plan.by_tile ? index * piece : line * row + (run.pixel ? 0 : first));
        tile.pixel = run.pixel ? run.pixel + first : nullptr;
        tile.sums = sums.as<T>() + index * tile_size;
        tile.totals = tile.sums + cut.lines * cut.tiles * tile_size;
        tile.place.out = target + line * target_row + first * tile.place.out_pixel;
        tile_of<typename Steps::Vector>(vectors, outputs)(tile);
      });
      if (c1 == c.inputs) break;
      c0 = c1;
    }
    finish_block<typename Steps::Operand, T, Out>(run.rest, direct ? nullptr : target, layout, n, group, od,
                                                  oh, ow, panel * lanes, tile.place.outputs, cut.rows,
                                                  cut.columns);
  }
}

// The weights as prepared, or packed for this call; none, unless `wanted`.
template <class Steps>
struct WeightsOfCall {
  using T = typename Steps::Sum;
  const Scratch memory;
  const T* packed;

  WeightsOfCall(const Correlation& c, int threads, bool wanted)
      : memory(!c.packed && wanted ? Steps::packed_size(c) * std::int64_t(sizeof(T)) : 0),
        packed(static_cast<const T*>(c.packed)) {
    if (c.packed || !wanted) return;
    Steps::pack(c, memory.as<T>(), threads);
    packed = memory.as<T>();
  }
};

// Planes read each line of the weights twice: from the second cache, and for one vector's worth of outputs
// from a small part of it.
template <class T>
STRETTO_INLINE bool keeps_weights_near(const Correlation& c) {
  const std::int64_t plane = c.out.shape.at[3] * c.out.shape.at[4];
  const std::int64_t bytes = c.outputs * c.inputs * c.tap_count * std::int64_t(sizeof(T));
  return bytes <= (c.out.shape.at[0] * plane > Vec<T>::lanes ? 640 << 10 : 256 << 10);
}

// With lanes for the outputs of a map, unless wider rows fill tiles; false: not of this kind.
template <class Steps, class Out>
bool run_small_maps(const Correlation& c, int threads) {
  using T = typename Steps::Sum;
  if constexpr (kLaneMasks && is_same<Steps, ChannelChains<Out, Out>>) {
    if (c.out.shape.at[4] >= 7 || !keeps_weights_near<T>(c) || !is_planes<T>(c)) return false;
    constexpr int lanes = Vec<T>::lanes;
    const WeightsOfCall<Steps> weights(c, threads, true);
    const std::int64_t panels = divide_up(c.outputs, lanes), panel_pitch = c.inputs * c.tap_count * lanes;
    run_planes<T>(c, threads, [&](std::int64_t group, std::int64_t o) {
      return PlanesWeights<T>{weights.packed + (group * panels + o / lanes) * panel_pitch + o % lanes, lanes};
    });
    return true;
  }
  return false;
}

template <class Steps, class Out>
void run_steps(const Correlation& c, int threads) {
  using T = typename Steps::Sum;
  constexpr bool may_join = is_same<Steps, ChannelChains<float, float>> && is_same<Out, float>;
  const bool joins = may_join && kLeastSamples > 0 && c.out.shape.at[0] >= kLeastSamples;
  if (!joins && run_small_maps<Steps, Out>(c, threads)) return;
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  StripPlan strip;
  strip.measure(c, room.as<std::int64_t>());
  const ChannelsPlan plan = plan_channels<typename Steps::Input, T>(c, threads, false, strip);
  if constexpr (may_join) {
    const SamplesPlan samples = plan_samples<T>(c, plan, threads, strip);
    if (samples.blocks > 0) {
      const WeightsOfCall<Steps> weights(c, threads, true);
      return run_samples(c, samples, weights.packed, threads);
    }
  }
  if (joins && run_small_maps<Steps, Out>(c, threads)) return;
  const bool meets_weights_once =
      c.out.shape.at[0] * c.out.shape.at[2] * plan.row_blocks * plan.column_blocks == 1;
  const WeightsOfCall<Steps> weights(c, threads, !Steps::packs_panels || !meets_weights_once);
  const std::int64_t pitch = plan.reads_x ? c.x.strides[1] : strip.channel_pitch();
  const std::int64_t rows = rows_of_line(plan), lines = divide_up(c.out.shape.at[3], rows);
  const TermLists lists(
      c, plan.stretch, pitch, Vec<T>::lanes, leaves_out_padding<Steps>(c) ? c.out.shape.at[2] * lines : 0,
      [&](int t) {
        return plan.by_tile ? 0 : plan.reads_x ? offset_in_x(c, c.taps[t]) : strip.offset(c.taps[t]);
      },
      [&](std::int64_t i) { return taps_inside(c, i / lines, i % lines * rows, rows); });
  const Scratch pixels(plan.spreads ? plan.rows * plan.columns * std::int64_t(sizeof(std::int64_t)) : 0);
  const bool are_neighbours = !plan.spreads || fill_pixels(c, plan, strip, pixels.as<std::int64_t>());
  const std::int64_t panel_size = (Steps::corrections + c.inputs * c.tap_count) * Vec<T>::lanes;
  const T* doubts = weights.packed ? weights.packed + c.groups * plan.panels * panel_size : nullptr;
  const bool ends = is_same<Steps, ChannelChains<Out, Out>> && ends_in_tiles<Out>(*c.epilogue);
  const Correlation rest = ends ? without_epilogue(c) : c;
  const ChannelsRun<Steps, Out> run{c,      plan,  weights.packed,
                                    strip,  lists, are_neighbours ? nullptr : pixels.as<std::int64_t>(),
                                    doubts, ends,  rest};

  for_each_block(c, plan, threads, [&](auto... at) { run_block(run, at...); });
}

template <class From, class T, class Out>
STRETTO_INLINE void run_channels(const Correlation& c, int threads) {
  if constexpr (is_same<From, bfloat16>)
    run_pair_channels<Out>(c, threads);
  else
    run_steps<ChannelChains<From, T>, Out>(c, threads);
}

}  // namespace stretto::STRETTO_ISA
