// The strip of a convolution on AMX: a row of a register is 32 channels of an element of the input, in one
// bfloat16 part, and neighbouring outputs of a row meet neighbouring rows.
#pragma once

#include "kernels/conv/strip.h"
#include "kernels/tile/amx_tile.h"
#include "kernels/tile/parts.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

struct alignas(kAmxBytes) AmxRow {
  std::uint32_t pairs[kAmxRows];  // of channels
};

// Words of pairs of neighbouring channels, a vector for each part.
template <int parts>
STRETTO_INLINE void pair_words(Vec<float> even, Vec<float> odd, Vec<float> (&words)[parts]) {
  using Bits = Vec<std::uint32_t>;
  if constexpr (parts == 1) {
    words[0] = from_bits(shift_right<16>(bits(even)) | bits(odd));
  } else {
    Bits first[parts], second[parts];
    split(even, first);
    split(odd, second);
#pragma GCC unroll 3
    for (int q = 0; q < parts; ++q) words[q] = from_bits(shift_right<16>(first[q]) | second[q]);
  }
}

// Channels [0, channels) that lie together, as rows of each part, which lie `part_step` apart; the others of
// a row are zeros.
template <class From, int parts>
STRETTO_INLINE void put_channels(const From* from, int channels, AmxRow* to, std::int64_t part_step) {
  using V = Vec<float>;
  if constexpr (is_same<From, bfloat16>) {
    if (channels == kAmxDepth) {
      std::memcpy(to, from, kAmxBytes);
      return;
    }
  }
  for (int first = 0; first < kAmxDepth; first += V::lanes) {
    const int n = int(greatest(0, least(V::lanes, channels - first)));
    Vec<std::uint32_t> part[parts];
    const V x = load_as<float, From>(from + first, n);
    if constexpr (parts == 1)
      part[0] = bits(x);
    else
      split(x, part);
#pragma GCC unroll 3
    for (int q = 0; q < parts; ++q)
      store_part(part[q], reinterpret_cast<bfloat16*>(to + q * part_step) + first);
  }
}

// n elements `step` apart; `behind`, `before`: whether there are elements next to them in memory.
template <class From>
STRETTO_INLINE Vec<float> load_spread(const From* p, std::int64_t step, int n, bool before, bool behind) {
  using V = Vec<float>;
  if (step == 1) return load_as<float, From>(p, n);
  if constexpr (is_same<From, float>)
    if (step == 2) {
      if (behind) return even_lanes(V::load(p), V::load(p + V::lanes));
      const int count = 2 * n - 1;
      return even_lanes(load_as<float, float>(p, int(least(V::lanes, count))),
                        load_as<float, float>(p + V::lanes, int(greatest(0, count - V::lanes))));
    }
  if constexpr (is_same<From, bfloat16>) {
    if (step == 2 && behind) return low_halves(p);
    if (step == 2 && before) {
      const V pairs = load_as<float, float>(reinterpret_cast<const float*>(p - 1), n);
      return from_bits(bits(pairs) & Vec<std::uint32_t>::broadcast(0xffff0000u));
    }
  }
  return load_as<float, From>(p, step, n);
}

// As many elements as a vector holds, of channels that lie apart: squares of words are turned round.
template <class From, int parts>
STRETTO_INLINE void put_elements(const From* from, std::int64_t step, std::int64_t channel, int channels,
                                 int n, bool before, bool behind, AmxRow* to, std::int64_t part_step) {
  using V = Vec<float>;
  for (int pair = 0; pair < kAmxRows; pair += V::lanes) {
    V square[parts][V::lanes];
#pragma GCC unroll 16
    for (int i = 0; i < V::lanes; ++i) {
      const From* const p = from + 2 * (pair + i) * channel;
      const int left = channels - 2 * (pair + i);
      V words[parts];
      pair_words<parts>(left > 0 ? load_spread(p, step, n, before, behind) : V::zero(),
                        left > 1 ? load_spread(p + channel, step, n, before, behind) : V::zero(), words);
#pragma GCC unroll 3
      for (int q = 0; q < parts; ++q) square[q][i] = words[q];
    }
#pragma GCC unroll 3
    for (int q = 0; q < parts; ++q) {
      transpose(square[q]);
      for (int i = 0; i < n; ++i)
        square[q][i].store(reinterpret_cast<float*>(to[q * part_step + i].pairs + pair));
    }
  }
}

// One run of the strip of so many channels.
template <class From, int parts>
STRETTO_INLINE void fill_amx_run(const RunRows<From>& run, std::int64_t channel, int channels, AmxRow* to,
                                 std::int64_t part_step) {
  constexpr int lanes = Vec<float>::lanes;
  for (std::int64_t r = 0; r < run.rows; ++r, to += run.count) {
    const bool is_there = r >= run.first && r < run.last && run.low < run.high;
    const std::int64_t low = is_there ? run.low : run.count, high = is_there ? run.high : run.count;
    for (int q = 0; q < parts; ++q) {
      std::memset(to + q * part_step, 0, std::size_t(low) * sizeof(AmxRow));
      std::memset(to + q * part_step + high, 0, std::size_t(run.count - high) * sizeof(AmxRow));
    }
    const From* const from = run.from + r * run.row_step;
    if (channel == 1) {
      for (std::int64_t q = low; q < high; ++q)
        put_channels<From, parts>(from + q * run.step, channels, to + q, part_step);
    } else {
      for (std::int64_t q = low; q < high; q += lanes)
        put_elements<From, parts>(from + q * run.step, run.step, channel, channels,
                                  int(least(lanes, high - q)), q > low, q + lanes < high, to + q, part_step);
    }
  }
}

// Fills the strip of one sample and group: [32 channels][part][run][row][column]. x points at its first
// channel.
template <class From, int parts>
[[gnu::noinline]] void fill_amx_strip(const Correlation& c, const StripPlan& plan, const From* x,
                                      std::int64_t od, std::int64_t oh, std::int64_t ow, AmxRow* to) {
  const std::int64_t channel = c.x.strides[1], part_step = plan.channel_pitch();
  for (std::int64_t first = 0; first < c.inputs; first += kAmxDepth, to += parts * part_step)
    for_each_run(c, plan, x + first * channel, 1, channel, od, oh, ow, to,
                 [&](const RunRows<From>& rows, std::int64_t, AmxRow* run) {
                   fill_amx_run<From, parts>(rows, channel, int(least(kAmxDepth, c.inputs - first)), run,
                                             part_step);
                 });
}

// Sums turned round: to[j * to_row + i] = from[i * from_row + j] for i < rows, j < columns, in whole squares
// of vectors.
[[gnu::noinline]] inline void turn(const float* from, std::int64_t from_row, std::int64_t rows,
                                   std::int64_t columns, float* to, std::int64_t to_row) {
  using V = Vec<float>;
  for (std::int64_t i0 = 0; i0 < rows; i0 += V::lanes)
    for (std::int64_t j0 = 0; j0 < columns; j0 += V::lanes) {
      V square[V::lanes];
#pragma GCC unroll 16
      for (int i = 0; i < V::lanes; ++i) square[i] = V::load(from + (i0 + i) * from_row + j0);
      transpose(square);
#pragma GCC unroll 16
      for (int j = 0; j < V::lanes; ++j) square[j].store(to + (j0 + j) * to_row + i0);
    }
}

}  // namespace stretto::STRETTO_ISA
