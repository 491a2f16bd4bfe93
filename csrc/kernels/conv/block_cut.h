// One block of the channels kernel in tiles, and where its sums go.
#pragma once

#include "kernels/conv/channels_plan.h"
#include "kernels/conv/finish_block.h"

namespace stretto::STRETTO_ISA {

// One block as `lines` rows of `length` outputs, in tiles of `width` or one less; a flat one is a single
// line.
struct BlockCut {
  std::int64_t rows, columns, lines, length, tiles, width;

  STRETTO_INLINE BlockCut(const Correlation& c, const ChannelsPlan& plan, std::int64_t oh, std::int64_t ow)
      : rows(least(plan.rows, c.out.shape.at[3] - oh)),
        columns(least(plan.columns, c.out.shape.at[4] - ow)),
        lines(plan.is_flat ? 1 : rows),
        length(plan.is_flat ? rows * columns : columns),
        tiles(divide_up(length, plan.tile_columns)),
        width(divide_up(length, tiles)) {}

  // f(index, line, first output, outputs) for each tile.
  template <class F>
  STRETTO_INLINE void for_each_tile(F&& f) const {
    const std::int64_t wide = length - tiles * (width - 1);
    for (std::int64_t line = 0; line < lines; ++line)
      for (std::int64_t i = 0, first = 0; i < tiles; ++i) {
        const int outputs = int(width - (i >= wide));
        f(line * tiles + i, line, first, outputs);
        first += outputs;
      }
  }
};

// Of the sums of a block that do not go straight to the result: with lanes along its contiguous axis.
template <class T>
STRETTO_INLINE BlockLayout result_layout(const Correlation& c, const BlockCut& cut) {
  if (c.out.strides.at[1] != 1) {
    constexpr std::int64_t line = 64 / std::int64_t(sizeof(T));
    return {(divide_up(cut.rows * cut.columns, line) | 1) * line, cut.columns, 1};
  }
  constexpr std::int64_t channels = kMostVectors * Vec<T>::lanes;
  return {1, cut.columns * channels, channels};
}

// Elements of the block's sums with all its channels.
template <class T>
STRETTO_INLINE std::int64_t result_size(const BlockCut& cut) {
  return kMostVectors * Vec<T>::lanes * (cut.rows * cut.columns + 128 / std::int64_t(sizeof(T)));
}

// Whether the lines that a tile writes a part of, one for each of its channels, meet in so few sets of the
// first cache that they leave it before the next tile writes on: of eight lines of a set, its weights and x
// take two, or four if they are many. Tiles of other machines are as wide as lines.
template <class T>
STRETTO_INLINE bool results_meet_in_sets(const Correlation& c, const ChannelsPlan& plan) {
  const std::int64_t bytes = c.out.strides[1] * itemsize(c.out.dtype), lines = bytes / 64,
                     sets = 64 / least(64, greatest(1, lines & -lines)),
                     channels = plan.vectors * Vec<T>::lanes, weights = plan.stretch * c.tap_count * channels;
  const bool has_many = weights * std::int64_t(sizeof(T)) > (16 << 10);
  return kStripsByTile && bytes % 64 == 0 && channels > (has_many ? 4 : 6) * sets;
}

}  // namespace stretto::STRETTO_ISA
