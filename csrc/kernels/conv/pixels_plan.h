// How a problem of the pixels kernel is cut into blocks.
#pragma once

#include "kernels/conv/correlation.h"
#include "kernels/conv/depthwise_plane.h"
#include "kernels/conv/depthwise_tile.h"
#include "kernels/conv/in_place.h"
#include "kernels/conv/pixels_tile.h"
#include "kernels/conv/shares.h"
#include "kernels/conv/strip.h"

namespace stretto::STRETTO_ISA {

// Of a block's strip: in the first cache, with its result. Of a 1x1 kernel only a tile is hot at a time, or
// the strip comes from the second cache for every few outputs.
inline constexpr std::int64_t kPixelsStripBytes = 20 << 10;
inline constexpr std::int64_t kLargeStripBytes = 96 << 10;
inline constexpr std::int64_t kReadOutputs = 32;  // for which a strip costs more than it saves
inline constexpr double kLeastSplit = 5e5;        // products of a thread for which blocks are cut

struct PixelsPlan {
  std::int64_t rows = 1, columns = 1;  // of a block
  std::int64_t row_blocks = 1, column_blocks = 1;
  std::int64_t depthwise_kernel = 0;  // size of a square kernel that has a tile of its own, or 0
  bool is_flat = false;               // a block's rows lie one behind the other, in strip and result
  bool reads_x = false;               // where it lies, if a block is as wide as a tile
  StripRuns row_runs = StripRuns::smaller, column_runs = StripRuns::smaller;
};

// Vectors of whole tiles that a cut into blocks of `rows` rows pays for, the last block included.
template <class T>
STRETTO_INLINE std::int64_t flat_waste(std::int64_t rows, std::int64_t oh, std::int64_t ow) {
  const auto vectors = [&](std::int64_t lines) {
    return divide_up(divide_up(lines * ow, Vec<T>::lanes), kTileVectors) * kTileVectors;
  };
  return oh / rows * vectors(rows) + vectors(oh % rows);
}

// Whether vectors across the ends of rows, which leave fewer lanes empty, are worth a strip with a run for
// every tap: by the products that they save for an element of it, and the rows that meet in it. (Measured on
// Zen 4.)
template <class T>
STRETTO_INLINE bool flat_pays(const Correlation& c, std::int64_t limit) {
  const std::int64_t ow = c.out.shape.at[4], used = divide_up(ow, Vec<T>::lanes) * Vec<T>::lanes;
  const std::int64_t row = c.inputs * c.tap_count * ow * std::int64_t(sizeof(T));
  const std::int64_t rows = limit / greatest(1, row);
  const double saved = double(c.outputs) * double(used - ow) / double(ow);
  return rows >= 2 && saved >= 2.5 * (rows < 4 ? 2.4 : 1) * (c.stride[2] > 1 ? 2 : 1);
}

// Cuts few blocks further, so that every thread has as many.
STRETTO_INLINE void share_rows(const Correlation& c, int threads, PixelsPlan& plan) {
  const std::int64_t oh = c.out.shape.at[3], most = plan.row_blocks + threads;
  const std::int64_t others = c.out.shape.at[0] * c.groups * c.out.shape.at[2] * plan.column_blocks;
  if (threads == 1 || others * plan.row_blocks >= 4 * threads) return;
  for (std::int64_t blocks = plan.row_blocks; blocks <= least(oh, most); ++blocks) {
    const std::int64_t rows = divide_up(oh, blocks);
    if (others * divide_up(oh, rows) % threads != 0) continue;
    plan.rows = rows;
    plan.row_blocks = divide_up(oh, rows);
    return;
  }
}

template <class From, class T>
PixelsPlan plan_pixels(const Correlation& c, int threads, std::int64_t* room) {
  PixelsPlan plan;
  const std::int64_t oh = c.out.shape.at[3], ow = c.out.shape.at[4];
  // Rows of many channels are copied again for few rows of a block: that costs more than a larger strip does.
  const bool is_deep =
      sizeof(Vec<T>) == 64 && c.inputs * c.tap_count > 40 && (c.outputs > 4 || c.inputs >= 12);
  const std::int64_t limit = c.tap_count == 1 || is_deep ? kLargeStripBytes : kPixelsStripBytes;
  if (is_depthwise(c) && !is_same<From, bfloat16>) {
    const std::int64_t k = square_kernel(c);
    if (depthwise_tile_of<T>(k, c.stride[1])) plan.depthwise_kernel = k;
  }
  if (plan.depthwise_kernel) {
    plan.row_runs = plan.column_runs = StripRuns::by_phase;
  } else {
    const std::int64_t used = divide_up(ow, Vec<T>::lanes) * Vec<T>::lanes;
    // So many outputs pay for nearly full vectors already (measured on AVX2 alone).
    const bool has_many = kOutputsFirst && c.outputs >= 4 * c.inputs;
    plan.is_flat = ow < 4096 && c.out.strides.at[3] == ow * c.out.strides.at[4] &&
                   (c.tap_count == 1 || (has_many && ow * 10 < used * 9) || flat_pays<T>(c, limit));
    if (plan.is_flat) plan.column_runs = StripRuns::by_tap;
    // For many outputs shorter vectors lose more by loads across cache lines than a strip costs.
    plan.reads_x = (sizeof(Vec<T>) == 64 || c.outputs <= kReadOutputs) && is_same<From, T> &&
                   c.tap_count == 1 && plan.is_flat && c.stride[1] == 1 && c.x.strides.at[3] == ow &&
                   can_read_x<T>(c, false);
  }
  const auto bytes = [&](std::int64_t rows, std::int64_t columns) {
    StripPlan strip;
    strip.plan(c, rows, columns, plan.row_runs, plan.column_runs, room);
    return strip.channel_pitch() * c.inputs * std::int64_t(sizeof(T));
  };
  plan.columns = ow;
  const std::int64_t step = Vec<T>::lanes * kTileVectors;
  while (plan.columns > step && bytes(1, plan.columns) > 2 * limit)
    plan.columns = divide_up(divide_up(plan.columns, 2), step) * step;
  plan.columns = least(plan.columns, ow);
  plan.column_blocks = divide_up(ow, plan.columns);
  if (plan.column_blocks > 1) plan.is_flat = plan.reads_x = false;
  while (plan.rows < oh && bytes(plan.rows + 1, plan.columns) <= limit) ++plan.rows;
  if (plan.is_flat) {  // as few vectors left over as can be
    std::int64_t best = plan.rows;
    for (std::int64_t rows = plan.rows; rows > plan.rows / 2; --rows)
      if (flat_waste<T>(rows, oh, ow) < flat_waste<T>(best, oh, ow)) best = rows;
    plan.rows = best;
  } else {
    plan.rows = divide_up(oh, divide_up(oh, plan.rows));
  }
  if (plan.depthwise_kernel) plan.rows = least(oh, divide_up(plan.rows, kDepthwiseRows) * kDepthwiseRows);
  plan.row_blocks = divide_up(oh, plan.rows);
  if (!plan.depthwise_kernel) share_rows(c, sharing_threads(products_of(c), kLeastSplit, threads), plan);
  return plan;
}

}  // namespace stretto::STRETTO_ISA
