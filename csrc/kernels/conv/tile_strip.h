// The strip of a 1x1 kernel, cut like its block: [tile][channel][output of the tile]. A tile reads one piece
// of memory, whose lines stay in the first cache beside the weights, in place of a line, and often a page,
// for each channel.
#pragma once

#include "kernels/conv/block_cut.h"

namespace stretto::STRETTO_ISA {

// From one tile to the next: an odd number of lines, so that they meet in different sets of the first cache.
template <class T>
STRETTO_INLINE std::int64_t tile_pitch(std::int64_t channels, std::int64_t width) {
  constexpr std::int64_t line = 64 / std::int64_t(sizeof(T));
  return (divide_up(channels * width, line) | 1) * line;
}

// Channels that are dealt at once: together they fill lines of the cache.
inline constexpr int kDealtChannels = 4;

// Outputs of `channels` channels, `step` apart, to their places in each tile.
template <class T, int width, int channels>
STRETTO_INLINE void deal(const T* from, std::int64_t step, std::int64_t wide, std::int64_t narrow, T* to,
                         std::int64_t pitch) {
  for (; wide > 0; --wide, from += width, to += pitch)
#pragma GCC unroll 4
    for (int i = 0; i < channels; ++i) __builtin_memcpy(to + i * width, from + i * step, sizeof(T) * width);
  for (; narrow > 0; --narrow, from += width - 1, to += pitch)
#pragma GCC unroll 4
    for (int i = 0; i < channels; ++i)
      __builtin_memcpy(to + i * width, from + i * step, sizeof(T) * (width - 1));
}

template <class T, int channels, int width = 1>
STRETTO_INLINE void deal_to_tiles(const BlockCut& cut, const T* from, std::int64_t step, std::int64_t row,
                                  T* to, std::int64_t pitch) {
  if constexpr (width < kMostPixels[1]) {
    if (cut.width != width) return deal_to_tiles<T, channels, width + 1>(cut, from, step, row, to, pitch);
  }
  const std::int64_t wide = cut.length - cut.tiles * (width - 1);
  for (std::int64_t line = 0; line < cut.lines; ++line, from += row, to += cut.tiles * pitch)
    deal<T, width, channels>(from, step, wide, cut.tiles - wide, to, pitch);
}

// Fills channels [0, channels); x points at the first of them. `line` has room for the outputs
// of a block.
template <class T>
[[gnu::noinline]] void fill_tiles(const Correlation& c, const StripPlan& plan, const BlockCut& cut,
                                  const T* x, std::int64_t channels, std::int64_t od, std::int64_t oh,
                                  std::int64_t ow, T* line, T* to, std::int64_t pitch) {
  const std::int64_t step = c.x.strides.at[1];
  for_each_run(
      c, plan, x, channels, step, od, oh, ow, line, [&](const RunRows<T>& rows, std::int64_t channel, T*) {
        const bool lies_well = rows.step == 1 && rows.first == 0 && rows.last >= cut.rows && rows.low == 0 &&
                               rows.high >= cut.columns &&
                               (cut.lines == cut.rows || rows.row_step == cut.columns);
        T* const place = to + channel * cut.width;
        const std::int64_t with = channel % kDealtChannels;  // channels that it is dealt with, before it
        if (!lies_well) {
          copy_rows<T, T>(rows, line);
          deal_to_tiles<T, 1>(cut, line, 0, rows.count, place, pitch);
        } else if (channel - with + kDealtChannels > channels) {
          deal_to_tiles<T, 1>(cut, rows.from, 0, rows.row_step, place, pitch);
        } else if (with == 0) {
          deal_to_tiles<T, kDealtChannels>(cut, rows.from, step, rows.row_step, place, pitch);
        }
      });
}

}  // namespace stretto::STRETTO_ISA
