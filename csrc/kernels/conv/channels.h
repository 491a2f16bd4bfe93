// The channels kernel: lanes are output channels. For every block of outputs the strip of the input that it
// reads is copied once, then each register tile runs over a stretch of channels whose weights stay in the
// first cache.
#pragma once

#include "base/parallel.h"
#include "kernels/conv/channels_tile.h"
#include "kernels/conv/correlation.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/planes.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kStretchTerms = 256;      // k between spills of a tile
inline constexpr std::int64_t kStripBytes = 224 << 10;  // of a block's strip: half of a small second cache
inline constexpr std::int64_t kMostStripBytes = 640 << 10;
inline constexpr std::int64_t kBlockPixels = 448;  // outputs of a block

// Weights: [group][vector of outputs][channel][tap][lane], outputs padded with zeros.
template <class T>
STRETTO_INLINE std::int64_t channels_packed_size(const Correlation& c) {
  const std::int64_t vectors = divide_up(c.outputs, Vec<T>::lanes);
  return c.groups * vectors * Vec<T>::lanes * c.inputs * c.tap_count;
}

template <class From, class T>
void pack_channels(const Correlation& c, T* packed, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t vectors = divide_up(c.outputs, lanes), terms = c.inputs * c.tap_count;
  const std::int64_t chunk = greatest(1, (1 << 18) / greatest(1, terms * lanes));
  parallel_for(c.groups * vectors, chunk, terms * c.outputs * c.groups < (1 << 15) ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const From* w = static_cast<const From*>(c.w) + i / vectors * c.w_group +
                                   i % vectors * lanes * c.w_output;
                   const int n = int(least(lanes, c.outputs - i % vectors * lanes));
                   T* to = packed + i * terms * lanes;
                   // Where a channel's taps lie one behind the other, and the channels too, rows of w are
                   // read in vectors.
                   bool flat = c.w_input == c.tap_count && n == lanes;
                   for (int t = 0; flat && t < c.tap_count; ++t) flat = c.taps[t].weight == t;
                   std::int64_t k = 0;
                   for (; flat && k + lanes <= terms; k += lanes, to += lanes * lanes) {
                     Vec<T> row[lanes];
#pragma GCC unroll 16
                     for (int o = 0; o < lanes; ++o) row[o] = load_as<T, From>(w + o * c.w_output + k, lanes);
                     transpose(row);
#pragma GCC unroll 16
                     for (int o = 0; o < lanes; ++o) row[o].store(to + o * lanes);
                   }
                   for (; k < terms; ++k, to += lanes) {
                     const From* from = w + k / c.tap_count * c.w_input + c.taps[k % c.tap_count].weight;
                     for (int o = 0; o < lanes; ++o) to[o] = o < n ? widen_to<T>(from[o * c.w_output]) : T(0);
                   }
                 }
               });
}

// How a problem is cut. Nothing here changes a bit of the result.
struct ChannelsPlan {
  std::int64_t rows = 1, columns = 1;  // of a block
  std::int64_t row_blocks = 1, column_blocks = 1;
  std::int64_t tile_columns = 1;
  int vectors = 1;
  std::int64_t panels = 1;          // vectors of outputs in a group
  std::int64_t output_splits = 1;   // of the panels among tasks
  std::int64_t strip_channels = 1;  // held at once
  std::int64_t stretch = 1;         // channels of a stretch
  bool is_flat = false;             // a block's rows lie one behind the other, in strip and result
};

// The tile that needs the fewest steps for rows of `columns` outputs.
template <class T>
void choose_tile(ChannelsPlan& plan, std::int64_t columns) {
  double best = 0;
  for (int v = 1; v <= kMostVectors; ++v) {
    const std::int64_t tiles = divide_up(columns, kMostPixels[v]), p = divide_up(columns, tiles);
    const auto cost = [&](int vectors) {
      const double products = double(p * vectors), loads = double(p + vectors) * 0.6;
      return (products > loads ? products : loads) + 2 > 10 ? (products > loads ? products : loads) + 2
                                                            : 10.0;
    };
    const std::int64_t left = plan.panels % v;
    double steps = double(plan.panels / v) * cost(v);
    if (left) steps += cost(int(left));
    steps *= double(tiles);
    if (best == 0 || steps < best * 0.999) {
      best = steps;
      plan.vectors = v;
      plan.tile_columns = p;
    }
  }
}

template <class T>
STRETTO_INLINE std::int64_t strip_bytes(const Correlation& c, std::int64_t rows, std::int64_t columns,
                                        std::int64_t* room) {
  StripPlan strip;
  strip.plan(c, rows, columns, StripRuns::smaller, StripRuns::smaller, room);
  return strip.channel_pitch() * std::int64_t(sizeof(T));
}

template <class T>
ChannelsPlan plan_channels(const Correlation& c, int threads, std::int64_t* room) {
  ChannelsPlan plan;
  const std::int64_t oh = c.out.shape[3], ow = c.out.shape[4];
  const std::int64_t lines = c.out.shape[0] * c.out.shape[2] * c.groups;
  plan.panels = divide_up(c.outputs, Vec<T>::lanes);
  plan.columns = divide_up(ow, divide_up(ow, kBlockPixels));
  while (plan.columns > kMostPixels[1] && strip_bytes<T>(c, 1, plan.columns, room) * c.inputs > kStripBytes)
    plan.columns = divide_up(plan.columns, 2);
  if (plan.columns < ow) {  // whole tiles
    const std::int64_t step = plan.columns > kMostPixels[2] ? kMostPixels[2] : kMostPixels[1];
    plan.columns = least(ow, divide_up(plan.columns, step) * step);
  }
  plan.column_blocks = divide_up(ow, plan.columns);
  if (plan.column_blocks == 1) {
    while (plan.rows < oh && (plan.rows + 1) * ow <= kBlockPixels &&
           strip_bytes<T>(c, plan.rows + 1, ow, room) * c.inputs <= kStripBytes)
      ++plan.rows;
    // Enough tasks for the threads, but not blocks of a row when there are many of them.
    while (threads > 1 && plan.rows > 1 && divide_up(oh, plan.rows) * lines < 2 * threads)
      plan.rows = divide_up(plan.rows, 2);
    plan.rows = divide_up(oh, divide_up(oh, plan.rows));
  }
  plan.row_blocks = divide_up(oh, plan.rows);
  StripPlan strip;
  strip.plan(c, plan.rows, plan.columns, StripRuns::smaller, StripRuns::smaller, room);
  plan.is_flat = plan.column_blocks == 1 && strip.row_pitch() == plan.columns && plan.rows > 1 &&
                 c.out.strides[3] == ow * c.out.strides[4];
  choose_tile<T>(plan, plan.is_flat ? plan.rows * plan.columns : plan.columns);
  const std::int64_t per_channel = greatest(1, strip.channel_pitch()) * std::int64_t(sizeof(T));
  plan.strip_channels = greatest(1, least(c.inputs, kMostStripBytes / per_channel));
  const std::int64_t segment = least(c.inputs, c.segment_channels);
  const std::int64_t wanted =
      greatest(1, least(kStretchTerms / greatest(1, c.tap_count), plan.strip_channels));
  plan.stretch = greatest(1, divide_up(segment, divide_up(segment, wanted)));
  if (plan.strip_channels >= c.inputs && c.inputs * c.tap_count <= kStretchTerms * 3 / 2)
    plan.stretch = c.inputs;
  const std::int64_t blocks = lines * plan.row_blocks * plan.column_blocks;
  while (threads > 1 && blocks * plan.output_splits < 2 * threads &&
         plan.panels / (plan.output_splits * 2) >= 2 * plan.vectors)
    plan.output_splits *= 2;
  return plan;
}

// Everything that the blocks of one call share.
template <class From, class T, class Out>
struct ChannelsRun {
  const Correlation& c;
  const ChannelsPlan& plan;
  const T* packed;
  const StripPlan& strip;
  const std::int64_t* offset;  // of the taps in the strip
};

// One block: outputs [ow, ow + columns) of rows [oh, oh + rows), output panels [first_panel, last_panel).
template <class From, class T, class Out>
[[gnu::noinline]] void run_block(const ChannelsRun<From, T, Out>& run, std::int64_t n, std::int64_t group,
                                 std::int64_t od, std::int64_t oh, std::int64_t ow, std::int64_t first_panel,
                                 std::int64_t last_panel) {
  constexpr int lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  const ChannelsPlan& plan = run.plan;
  const StripPlan& strip = run.strip;
  const bool direct = is_same<T, Out> && (c.out.strides[1] == 1 || c.out.strides[4] == 1);
  std::int64_t rows = least(plan.rows, c.out.shape[3] - oh),
               columns = least(plan.columns, c.out.shape[4] - ow);
  const std::int64_t block_columns = columns;
  if (plan.is_flat) {
    columns *= rows;
    rows = 1;
  }
  const std::int64_t tiles = divide_up(columns, plan.tile_columns), width = divide_up(columns, tiles);
  const std::int64_t pitch = strip.channel_pitch(), terms = c.inputs * c.tap_count;
  const std::int64_t tile_size = kMostVectors * lanes * 16;
  const bool whole = plan.strip_channels >= c.inputs;
  const bool keeps = plan.stretch < c.inputs;
  const Scratch strip_memory(plan.strip_channels * pitch * std::int64_t(sizeof(T)));
  const Scratch sums(keeps ? 2 * rows * tiles * tile_size * std::int64_t(sizeof(T)) : 0);
  const std::int64_t result_pitch = rows * columns;
  const Scratch result(direct ? 0 : kMostVectors * lanes * result_pitch * std::int64_t(sizeof(T)));
  const From* x = c.x.as<From>() + n * c.x.strides[0] + group * c.inputs * c.x.strides[1];
  if (whole && c.inputs > 0) fill_strip<From, T>(c, strip, x, c.inputs, od, oh, ow, strip_memory.as<T>());

  Out* const out = c.out.as<Out>() + n * c.out.strides[0] + group * c.outputs * c.out.strides[1] +
                   od * c.out.strides[2] + oh * c.out.strides[3] + ow * c.out.strides[4];
  for (std::int64_t panel = first_panel; panel < last_panel; panel += plan.vectors) {
    const int vectors = int(least(plan.vectors, last_panel - panel));
    ChannelsTile<T> tile;
    tile.channel_pitch = pitch;
    tile.offset = run.offset;
    tile.taps = c.tap_count;
    tile.panel_pitch = terms * lanes;
    tile.outputs = int(least(vectors * lanes, c.outputs - panel * lanes));
    T* target = result.template as<T>();
    std::int64_t target_row = columns;
    tile.out_channel = result_pitch;
    tile.out_pixel = 1;
    if (direct) {
      target = reinterpret_cast<T*>(out) + panel * lanes * c.out.strides[1];
      target_row = c.out.strides[3];
      tile.out_channel = c.out.strides[1];
      tile.out_pixel = c.out.strides[4];
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
      tile.w = run.packed + ((group * plan.panels + panel) * terms + c0 * c.tap_count) * lanes;
      const T* source = strip_memory.as<T>() + (whole ? c0 * pitch : 0);
      if (!whole)
        fill_strip<From, T>(c, strip, x + c0 * c.x.strides[1], c1 - c0, od, oh, ow, strip_memory.as<T>());
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t i = 0; i < tiles; ++i) {
          const std::int64_t q = least(i * width, columns), p = least(width, columns - q);
          if (p == 0) break;
          tile.strip = source + r * strip.row_pitch() + q;
          tile.sums = sums.as<T>() + (r * tiles + i) * tile_size;
          tile.totals = tile.sums + rows * tiles * tile_size;
          tile.out = target + r * target_row + q * tile.out_pixel;
          tile_of<T>(vectors, int(p))(tile);
        }
      }
      if (c1 == c.inputs) break;
      c0 = c1;
    }
    finish_block<From, T, Out>(c, direct ? nullptr : target, result_pitch, block_columns, n, group, od, oh,
                               ow, panel * lanes, tile.outputs,
                               plan.is_flat ? divide_up(columns, block_columns) : rows, block_columns);
  }
}

template <class From, class T, class Out>
void run_channels(const Correlation& c, int threads) {
  const Scratch packing(c.packed ? 0 : channels_packed_size<T>(c) * std::int64_t(sizeof(T)));
  if (!c.packed) pack_channels<From, T>(c, packing.as<T>(), threads);
  if constexpr (kLaneMasks && is_same<From, T> && is_same<T, Out>) {
    if (c.out.shape.at[4] < 7 && is_planes<T>(c)) {  // wider rows fill this kernel's tiles
      constexpr int lanes = Vec<T>::lanes;
      const T* w = c.packed ? static_cast<const T*>(c.packed) : packing.as<T>();
      const std::int64_t panels = divide_up(c.outputs, lanes), panel_pitch = c.inputs * c.tap_count * lanes;
      return run_planes<T>(c, threads, [&](std::int64_t group, std::int64_t o) {
        return PlanesWeights<T>{w + (group * panels + o / lanes) * panel_pitch + o % lanes, lanes};
      });
    }
  }
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  const ChannelsPlan plan = plan_channels<T>(c, threads, room.as<std::int64_t>());
  StripPlan strip;
  strip.plan(c, plan.rows, plan.columns, StripRuns::smaller, StripRuns::smaller, room.as<std::int64_t>());
  const Scratch offsets(c.tap_count * std::int64_t(sizeof(std::int64_t)));
  for (int t = 0; t < c.tap_count; ++t) offsets.as<std::int64_t>()[t] = strip.offset(c.taps[t]);
  const T* packed = c.packed ? static_cast<const T*>(c.packed) : packing.as<T>();
  const ChannelsRun<From, T, Out> run{c, plan, packed, strip, offsets.as<std::int64_t>()};

  const std::int64_t od = c.out.shape[2], blocks = plan.row_blocks * plan.column_blocks;
  const std::int64_t panels = divide_up(plan.panels, plan.output_splits);
  const std::int64_t tasks = c.out.shape[0] * c.groups * od * blocks * plan.output_splits;
  const double work = double(c.inputs) * c.tap_count * double(c.outputs) * double(c.out.shape[0]) * c.groups *
                      double(od) * double(c.out.shape[3]) * double(c.out.shape[4]);
  const std::int64_t chunk = greatest(1, std::int64_t(double(tasks) * 1e6 / (work + 1)));
  parallel_for(tasks, least(chunk, tasks), work < 1e6 ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t task = begin; task < end; ++task) {
                   std::int64_t i = task;
                   const std::int64_t split = i % plan.output_splits;
                   i /= plan.output_splits;
                   const std::int64_t column = i % plan.column_blocks;
                   i /= plan.column_blocks;
                   const std::int64_t row = i % plan.row_blocks;
                   i /= plan.row_blocks;
                   const std::int64_t d = i % od;
                   i /= od;
                   const std::int64_t first = least(plan.panels, split * panels),
                                      last = least(plan.panels, first + panels);
                   if (first < last)
                     run_block(run, i / c.groups, i % c.groups, d, row * plan.rows, column * plan.columns,
                               first, last);
                 }
               });
}

}  // namespace stretto::STRETTO_ISA
