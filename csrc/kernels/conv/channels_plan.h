// How a problem of the channels kernel is cut, and its blocks given to threads.
#pragma once

#include "base/parallel.h"
#include "kernels/conv/channels_tile.h"
#include "kernels/conv/correlation.h"
#include "kernels/conv/in_place.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

// Terms of a tile between spills, and as many as the lines of a channel of the strip take the place of.
// Weights come from the second cache, fast enough for 28 products a step of 512 bits, not for 12 of 256.
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr std::int64_t kStretchTerms = 256, kChannelTerms = 1;
#else
inline constexpr std::int64_t kStretchTerms = 2304, kChannelTerms = 0;
#endif
inline constexpr std::int64_t kStripBytes = 320 << 10;  // of a block's strip: a third of a small second cache
inline constexpr std::int64_t kMostStripBytes = 640 << 10;
inline constexpr std::int64_t kNearBytes = 32 << 10;             // of x, in the first cache as it lies
inline constexpr std::int64_t kFewChannels = 8;                  // for which leaving out padding does not pay
inline constexpr std::int64_t kBlockPixels = 448;                // outputs of a block
inline constexpr double kLeastProducts = 5e5;                    // of what a thread claims at once
inline constexpr double kWeightProducts = 8, kCopyProducts = 4;  // of a vector of weights, of an element

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
  bool reads_x = false;             // where it lies, without a strip
  bool by_tile = false;             // the strip of a 1x1 kernel has a piece for each tile
  bool is_flat = false;             // a block's rows lie one behind the other, in strip and result
  StripRuns row_runs = StripRuns::smaller, column_runs = StripRuns::smaller;
  bool spreads = false;  // tiles take outputs from wherever they lie in the strip, or in x
  double time = 0;       // of a channel, in products
};

// A step of a tile, in products: those counted in that the wait for loads could have formed.
STRETTO_INLINE double step_time(int vectors, std::int64_t pixels) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return kStepTime[vectors][pixels];
#else
  const double times[] = {double(pixels * vectors) + 2, double(pixels + vectors) * 0.6 + 2,
                          5.0 * vectors};  // products, loads, weights from the second cache
  double slowest = 10;
  for (const double time : times) slowest = time > slowest ? time : slowest;
  return slowest;
#endif
}

// The fastest tile for a line of `length` outputs and so many panels; returns the time in products.
STRETTO_INLINE double choose_tile(ChannelsPlan& plan, std::int64_t length, std::int64_t panels,
                                  int most_vectors) {
  double best = 0;
  for (int v = 1; v <= most_vectors; ++v) {
    const std::int64_t tiles = divide_up(length, kMostPixels[v]), p = divide_up(length, tiles),
                       shorter = p * tiles - length;
    const auto line = [&](int vectors) {
      return double(tiles - shorter) * step_time(vectors, p) +
             (shorter ? double(shorter) * step_time(vectors, p - 1) : 0.0);
    };
    const std::int64_t left = panels % v;
    double steps = double(panels / v) * line(v);
    if (left) steps += line(int(left));
    if (best == 0 || steps < best * 0.999) {
      best = steps;
      plan.vectors = v;
      plan.tile_columns = p;
    }
  }
  return best;
}

// Cuts rows into blocks, no higher than plan.rows, and panels into splits, so that threads end together:
// every block costs its products, the copy of its strip, each element `copies` times, and the way of its
// weights through the caches. Returns the time in products.
STRETTO_INLINE double share_blocks(const Correlation& c, ChannelsPlan& plan, bool may_be_flat, double copies,
                                   int threads, int most_vectors) {
  const std::int64_t oh = c.out.shape.at[3];
  const std::int64_t lines = c.out.shape.at[0] * c.out.shape.at[2] * c.groups * plan.column_blocks;
  const std::int64_t fewest = divide_up(oh, plan.rows), most = least(oh, fewest + 2 * threads - 2);
  const double steps = greatest(1, c.tap_count);
  double best = 0;
  for (std::int64_t splits = 1; splits == 1 || (splits <= threads && splits <= plan.panels);
       splits += (splits + 3) / 4)
    for (std::int64_t cut = fewest; cut <= most; cut += 1 + (cut - fewest) / 4) {
      ChannelsPlan next = plan;
      next.rows = divide_up(oh, cut);
      next.row_blocks = divide_up(oh, next.rows);
      next.is_flat = may_be_flat && next.rows > 1;
      next.output_splits = splits;
      const std::int64_t panels = divide_up(plan.panels, splits),
                         lines_of_block = next.is_flat ? 1 : next.rows,
                         length = next.is_flat ? next.rows * plan.columns : plan.columns;
      double cost = choose_tile(next, length, panels, most_vectors) * double(lines_of_block) * steps;
      cost += kWeightProducts * double(panels) * steps;
      if (!plan.reads_x) cost += kCopyProducts * copies * double(next.rows * plan.columns);
      cost *= double(divide_up(lines * next.row_blocks * splits, threads));
      if (best == 0 || cost < best * 0.99) {
        best = cost;
        plan.rows = next.rows;
        plan.row_blocks = next.row_blocks;
        plan.is_flat = next.is_flat;
        plan.output_splits = splits;
        plan.vectors = next.vectors;
        plan.tile_columns = next.tile_columns;
      }
    }
  return best;
}

// From one row of outputs, and from one output of a row, to the next, in the strip or in x.
STRETTO_INLINE std::int64_t row_step(const Correlation& c, const ChannelsPlan& plan, const StripPlan& strip) {
  return plan.reads_x ? c.stride[1] * c.x.strides[3] : strip.row_pitch() * strip.axis[1].spread;
}
STRETTO_INLINE std::int64_t column_step(const Correlation& c, const ChannelsPlan& plan,
                                        const StripPlan& strip) {
  return plan.reads_x ? c.stride[2] * c.x.strides[4] : strip.axis[2].spread;
}

// The blocks and tiles, for column runs that are chosen; returns the time in products.
template <class T>
double cut_blocks(const Correlation& c, int threads, bool whole_sums, ChannelsPlan& plan, StripPlan& strip) {
  const std::int64_t oh = c.out.shape[3], ow = c.out.shape[4];
  const auto bytes = [&](std::int64_t rows, std::int64_t columns) {
    strip.cut(c, rows, columns, plan.row_runs, plan.column_runs);
    return strip.channel_pitch() * std::int64_t(sizeof(T)) * c.inputs;
  };
  plan.columns = divide_up(ow, divide_up(ow, kBlockPixels));
  while (plan.columns > kMostPixels[1] && bytes(1, plan.columns) > kStripBytes)
    plan.columns = divide_up(plan.columns, 2);
  if (plan.columns < ow) {  // whole tiles
    const std::int64_t step = plan.columns > kMostPixels[2] ? kMostPixels[2] : kMostPixels[1];
    plan.columns = least(ow, divide_up(plan.columns, step) * step);
  }
  while (whole_sums && plan.columns > 1 && bytes(1, plan.columns) > kMostStripBytes)
    plan.columns = divide_up(plan.columns, 2);
  plan.column_blocks = divide_up(ow, plan.columns);
  if (plan.column_blocks == 1) {
    const std::int64_t most = greatest(1, least(oh, kBlockPixels / ow));
    for (std::int64_t low = 1, high = most; low <= high;) {  // the most rows whose strip stays small
      const std::int64_t rows = high == most ? most : (low + high) / 2;
      if (bytes(rows, ow) > kStripBytes) {
        high = rows - 1;
      } else {
        plan.rows = rows;
        low = rows + 1;
      }
    }
    plan.rows = divide_up(oh, divide_up(oh, plan.rows));
  }
  strip.cut(c, plan.rows, plan.columns, plan.row_runs, plan.column_runs);
  const bool may_be_flat = plan.column_blocks == 1 && c.out.strides[3] == ow * c.out.strides[4] &&
                           (plan.spreads || row_step(c, plan, strip) == plan.columns);
  const double copies = double(strip.axis[2].lanes) / double(least(strip.axis[2].lanes, c.stride[2]));
  return share_blocks(c, plan, may_be_flat, copies, sharing_threads(products_of(c), kLeastProducts, threads),
                      whole_sums ? kMostPairVectors : kMostVectors);
}

// Cuts `strip`, which is measured, for the blocks of the plan. With `whole_sums` the strip of a block holds
// all channels; otherwise, a block may have none.
template <class From, class T>
ChannelsPlan plan_channels(const Correlation& c, int threads, bool whole_sums, StripPlan& strip) {
  ChannelsPlan plan;
  plan.panels = divide_up(c.outputs, Vec<T>::lanes);
  const bool can_read = !whole_sums && is_same<From, T> && can_read_x<T>(c, kSpreads);
  const bool is_near = can_read && c.inputs * c.x.strides[1] * std::int64_t(sizeof(T)) <= kNearBytes;
  plan.by_tile = kStripsByTile && !whole_sums && is_same<From, T> && c.tap_count == 1 &&
                 plan.panels > kMostVectors && !is_near;
  plan.reads_x = can_read && !plan.by_tile;
  plan.spreads = kSpreads && !whole_sums && !plan.by_tile;
  if (plan.spreads) plan.row_runs = plan.column_runs = StripRuns::undivided;
  ChannelsPlan flat = plan;
  plan.time = cut_blocks<T>(c, threads, whole_sums, plan, strip);
  // Rows that would each be less than a tile lie one behind the other in a strip with a run for every tap.
  if (kLaneMasks && !whole_sums && !plan.by_tile && !plan.reads_x && c.tap_count > 1 &&
      c.out.shape[4] < kMostPixels[kMostVectors]) {
    flat.column_runs = StripRuns::by_tap;
    flat.time = cut_blocks<T>(c, threads, whole_sums, flat, strip);
    if (flat.time < plan.time) plan = flat;
  }
  strip.cut(c, plan.rows, plan.columns, plan.row_runs, plan.column_runs);
  const std::int64_t per_channel = greatest(1, strip.channel_pitch()) * std::int64_t(sizeof(T));
  plan.strip_channels = plan.reads_x ? c.inputs : greatest(1, least(c.inputs, kMostStripBytes / per_channel));
  const std::int64_t segment = least(c.inputs, c.segment_channels);
  const std::int64_t channel_terms = greatest(1, c.tap_count + (plan.by_tile ? 0 : kChannelTerms));
  const std::int64_t wanted = greatest(1, least(kStretchTerms / channel_terms, plan.strip_channels));
  plan.stretch = greatest(1, divide_up(segment, divide_up(segment, wanted)));
  if (plan.strip_channels >= c.inputs && segment == c.inputs &&
      c.inputs * channel_terms <= kStretchTerms * 3 / 2)
    plan.stretch = c.inputs;
  return plan;
}

// block(n, group, od, oh, ow, first panel, last panel) for every block, on threads.
template <class F>
STRETTO_INLINE void for_each_block(const Correlation& c, const ChannelsPlan& plan, int threads, F&& block) {
  const std::int64_t od = c.out.shape[2], blocks = plan.row_blocks * plan.column_blocks;
  const std::int64_t panels = divide_up(plan.panels, plan.output_splits);
  const std::int64_t tasks = c.out.shape[0] * c.groups * od * blocks * plan.output_splits;
  share_tasks(tasks, products_of(c), kLeastProducts, threads, [&](std::int64_t begin, std::int64_t end) {
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
        block(i / c.groups, i % c.groups, d, row * plan.rows, column * plan.columns, first, last);
    }
  });
}

}  // namespace stretto::STRETTO_ISA
