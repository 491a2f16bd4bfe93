// The pixels kernel: lanes are neighbouring outputs of a row. For sums too short, or with too few output
// channels, for the channels kernel; results of channels first are stored as they come.
#pragma once

#include "base/parallel.h"
#include "kernels/conv/correlation.h"
#include "kernels/conv/depthwise_maps.h"
#include "kernels/conv/depthwise_plane.h"
#include "kernels/conv/depthwise_tile.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/in_place.h"
#include "kernels/conv/pair_pixels_tile.h"
#include "kernels/conv/pixels_plan.h"
#include "kernels/conv/pixels_tile.h"
#include "kernels/conv/planes.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

// Weights: [group][block of kTileOutputs outputs, the last one smaller][term][output]. Terms are in the order
// of the sum: (channel, tap), or that of PairOrder.
template <class T>
STRETTO_INLINE std::int64_t pixels_packed_size(const Correlation& c) {
  return c.groups * c.outputs * c.inputs * c.tap_count;
}

template <class From, class T>
void pack_pixels(const Correlation& c, T* packed) {
  const PairOrder order(c.inputs, c.tap_count);
  for (std::int64_t g = 0; g < c.groups; ++g) {
    for (std::int64_t first = 0; first < c.outputs; first += kTileOutputs) {
      const From* w = static_cast<const From*>(c.w) + g * c.w_group + first * c.w_output;
      const std::int64_t count = least(kTileOutputs, c.outputs - first);
      for (std::int64_t i = 0; i < c.inputs; ++i)
        for (int t = 0; t < c.tap_count; ++t) {
          const std::int64_t k = is_same<From, bfloat16> ? order.place(i, t) : i * c.tap_count + t;
          for (std::int64_t o = 0; o < count; ++o)
            packed[k * count + o] = widen_to<T>(w[o * c.w_output + i * c.w_input + c.taps[t].weight]);
        }
      packed += count * c.inputs * c.tap_count;
    }
  }
}

template <class T>
struct PixelsRun {
  const Correlation& c;
  const PixelsPlan& plan;
  const T* packed;
  const StripPlan& strip;
  const std::int64_t* offset;  // of the terms in the strip
  const PairBlock* blocks;     // bfloat16: of the terms in the strip
  std::int64_t block_count;
  const ChannelTerms<T>* terms;  // of all output channels, where tiles finish their sums; else null
};

// One block: outputs [ow, ow + columns) of rows [oh, oh + rows) of one group, all output channels.
template <class From, class T, class Out, class Operand>
[[gnu::noinline]] void run_pixels_block(const PixelsRun<T>& run, std::int64_t n, std::int64_t group,
                                        std::int64_t od, std::int64_t oh, std::int64_t ow, T* strip_memory,
                                        T* result) {
  constexpr int lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  const StripPlan& strip = run.strip;
  const std::int64_t rows = least(run.plan.rows, c.out.shape.at[3] - oh);
  const std::int64_t columns = least(run.plan.columns, c.out.shape.at[4] - ow);
  const From* x = c.x.as<From>() + n * c.x.strides.at[0] + group * c.inputs * c.x.strides.at[1];
  const T* source = strip_memory;
  std::int64_t source_pitch = strip.channel_pitch();
  const bool reads_x = run.plan.reads_x && rows * columns >= kTileVectors * lanes;
  if (reads_x) {
    source = reinterpret_cast<const T*>(x) + offset_in_x(c, c.taps[0]) + place_in_x(c, od, oh, ow);
    source_pitch = c.x.strides.at[1];
  } else {
    fill_strip<From, T>(c, strip, x, c.inputs, od, oh, ow, strip_memory);
  }

  T* target = result;
  std::int64_t target_row = columns, target_channel = rows * columns;
  if (!result) {
    target = reinterpret_cast<T*>(c.out.as<Out>() + n * c.out.strides.at[0] +
                                  group * c.outputs * c.out.strides.at[1] + od * c.out.strides.at[2] +
                                  oh * c.out.strides.at[3] + ow * c.out.strides.at[4]);
    target_row = c.out.strides.at[3];
    target_channel = c.out.strides.at[1];
  }
  const T* w = run.packed + group * c.outputs * c.inputs * c.tap_count;
  if (run.plan.depthwise_kernel) {
    DepthwiseTile<T> tile;
    tile.strip = source;
    tile.column_run = strip.run_pitch();
    tile.row_run = strip.run_pitch() * strip.axis[2].lanes;
    tile.row_pitch = strip.row_pitch();
    tile.out_row = target_row;
    tile.rows = rows;
    tile.columns = columns;
    T weights[25];
    for (std::int64_t o = 0; o < c.outputs; ++o) {
      const std::int64_t block = o / kTileOutputs * kTileOutputs,
                         count = least(kTileOutputs, c.outputs - block);
      for (int t = 0; t < c.tap_count; ++t) weights[t] = w[block * c.tap_count + t * count + o - block];
      tile.w = weights;
      tile.out = target + o * target_channel;
      depthwise_tile_of<T>(run.plan.depthwise_kernel, c.stride[1])(tile);
    }
  } else {
    PixelsTile<T> tile;
    tile.channel_pitch = source_pitch;
    tile.offset = run.offset;
    tile.taps = c.tap_count;
    tile.channels = c.inputs;
    tile.blocks = run.blocks;
    tile.block_count = run.block_count;
    tile.out_channel = target_channel;
    tile.terms = nullptr;
    // Where a row has one vector, those of several rows share a tile.
    const bool by_rows = !run.plan.is_flat && columns <= lanes;
    tile.vector = by_rows ? strip.row_pitch() : lanes;
    tile.out_vector = by_rows ? target_row : lanes;
    tile.inner_lanes = by_rows ? int(columns) : lanes;
    const auto run_tiles = [&](auto tile_of) {
      const std::int64_t lines = run.plan.is_flat || by_rows ? 1 : rows,
                         width = run.plan.is_flat ? rows * columns : columns;
      const std::int64_t vectors = by_rows ? rows : divide_up(width, lanes),
                         tiles = divide_up(vectors, kTileVectors);
      const std::int64_t narrow = vectors / tiles, wider = vectors % tiles;  // tiles of one vector more
      // Outputs [first, last) of the group, everywhere.
      const auto run_outputs = [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t r = 0; r < lines; ++r) {
          std::int64_t v = 0;
          for (std::int64_t i = 0; i < tiles; ++i) {
            const std::int64_t count = narrow + (i < wider);
            // Beyond the end of x nothing can be read: the last tile is moved back.
            const std::int64_t q = reads_x ? least(v * lanes, width - count * lanes) : v * lanes;
            tile.last_lanes = by_rows ? tile.inner_lanes : int(least(lanes, width - q - (count - 1) * lanes));
            tile.strip = source + r * strip.row_pitch() + (by_rows ? v * tile.vector : q);
            for (std::int64_t o = first; o < last; o += kTileOutputs) {
              tile.w = w + o * c.inputs * c.tap_count;
              if (run.terms) tile.terms = run.terms + group * c.outputs + o;
              tile.out = target + o * target_channel + r * target_row + (by_rows ? v * tile.out_vector : q);
              tile_of(int(least(kTileOutputs, c.outputs - o)), int(count))(tile);
            }
            v += count;
          }
        }
      };
      if (kOutputsFirst) {
        for (std::int64_t o = 0; o < c.outputs; o += kTileOutputs)
          run_outputs(o, least(c.outputs, o + kTileOutputs));
      } else {
        run_outputs(0, c.outputs);
      }
    };
    if constexpr (is_same<From, bfloat16>) {
      [[maybe_unused]] const FlushToZero flush_to_zero;
      run_tiles([](int outputs, int vectors) { return pair_pixels_tile_of(outputs, vectors); });
    } else {
      run_tiles([](int outputs, int vectors) { return pixels_tile_of<T>(outputs, vectors); });
    }
  }
  if (run.terms) return;
  finish_block<Operand, T, Out>(c, result, {target_channel, target_row, 1}, n, group, od, oh, ow, 0,
                                c.outputs, rows, columns);
}

// x's elements are of the type From, the weight's of W, those of the epilogue's operands of Operand.
template <class From, class T, class Out, class W = From, class Operand = From>
void run_pixels(const Correlation& c, int threads) {
  const Scratch packing(c.packed ? 0 : pixels_packed_size<T>(c) * std::int64_t(sizeof(T)));
  if (!c.packed) pack_pixels<W, T>(c, packing.as<T>());
  const T* const packed = c.packed ? static_cast<const T*>(c.packed) : packing.as<T>();
  const auto weights_of = [&](std::int64_t group, std::int64_t o) {
    const std::int64_t block = o / kTileOutputs * kTileOutputs;
    return PlanesWeights<T>{packed + (group * c.outputs + block) * c.inputs * c.tap_count + o - block,
                            least(kTileOutputs, c.outputs - block)};
  };
  if constexpr (is_same<From, T> && is_same<T, Out> && (is_same<T, float> || is_same<T, double>)) {
    if constexpr (kLaneMasks)
      if (is_planes<T>(c)) return run_planes<T>(c, threads, weights_of);
    if (is_small_maps<T>(c)) return run_small_maps<T>(c, threads, weights_of);
    if (const auto function = depthwise_plane_of<T>(c))
      return run_depthwise_planes<T>(c, function, threads, weights_of);
  }
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  const PixelsPlan plan = plan_pixels<From, T>(c, threads, room.as<std::int64_t>());
  StripPlan strip;
  strip.plan(c, plan.rows, plan.columns, plan.row_runs, plan.column_runs, room.as<std::int64_t>());
  const Scratch offsets(greatest(1, c.inputs) * c.tap_count * std::int64_t(sizeof(std::int64_t)));
  std::int64_t* const offset = offsets.as<std::int64_t>();
  for (int t = 0; t < c.tap_count; ++t) offset[t] = strip.offset(c.taps[t]);
  for (std::int64_t i = c.tap_count; i < c.inputs * c.tap_count; ++i)
    offset[i] = offset[i - c.tap_count] + strip.channel_pitch();
  const PairOrder order(c.inputs, c.tap_count);
  const std::int64_t block_count = is_same<From, bfloat16> ? order.blocks() : 0;
  const Scratch pair_blocks(block_count * std::int64_t(sizeof(PairBlock)));
  if (block_count > 0) fill_pair_blocks(c, order, strip, pair_blocks.as<PairBlock>());
  const bool direct = is_same<T, Out> && c.out.strides.at[4] == 1;
  const Epilogue& e = *c.epilogue;
  const std::int64_t channels = c.groups * c.outputs;
  const Scratch terms_memory(kFinishesPixels<T> ? channels * std::int64_t(sizeof(ChannelTerms<T>)) : 0);
  ChannelTerms<T>* terms = nullptr;
  if constexpr (kFinishesPixels<T> && is_same<From, T> && is_same<Operand, T>) {
    if (direct && !plan.depthwise_kernel && !e.is_empty() && Clamp<T>::is(e.activation) &&
        is_of_channels(e)) {
      terms = terms_memory.as<ChannelTerms<T>>();
      for (std::int64_t o = 0; o < channels; ++o) terms[o] = ChannelTerms<T>(e, o);
    }
  }
  const PixelsRun<T> run{c, plan, packed, strip, offset, pair_blocks.as<PairBlock>(), block_count, terms};

  const std::int64_t od = c.out.shape.at[2], blocks = plan.row_blocks * plan.column_blocks;
  const std::int64_t tasks = c.out.shape.at[0] * c.groups * od * blocks;
  share_tasks(tasks, products_of(c), 2e5, threads, [&](std::int64_t begin, std::int64_t end) {
    // A vector's load may run past the last element of the strip.
    const Scratch memory((c.inputs * strip.channel_pitch() + kTileVectors * Vec<T>::lanes) *
                         std::int64_t(sizeof(T)));
    const Scratch result(direct ? 0 : c.outputs * plan.rows * plan.columns * std::int64_t(sizeof(T)));
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t i = task;
      const std::int64_t column = i % plan.column_blocks;
      i /= plan.column_blocks;
      const std::int64_t row = i % plan.row_blocks;
      i /= plan.row_blocks;
      const std::int64_t d = i % od;
      i /= od;
      run_pixels_block<From, T, Out, Operand>(run, i / c.groups, i % c.groups, d, row * plan.rows,
                                              column * plan.columns, memory.as<T>(),
                                              direct ? nullptr : result.as<T>());
    }
  });
}

}  // namespace stretto::STRETTO_ISA
