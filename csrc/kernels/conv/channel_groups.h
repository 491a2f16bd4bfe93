// The channels kernel for integers of 8 and 16 bits: a step takes a group of input channels (tile/groups.h).
// Elements of the strip and of the packed weights are groups; c.inputs counts them.
#pragma once

#include "kernels/conv/channels_plan.h"
#include "kernels/tile/groups.h"

namespace stretto::STRETTO_ISA {

template <class W>
STRETTO_INLINE Correlation grouped(const Correlation& c) {
  Correlation result = c;
  result.inputs = result.segment_channels = divide_up(c.channels, GroupVector<W>::terms);
  return result;
}

// Rows of a run whose elements are groups of `present` channels. What lies outside is 0 moved as x is.
template <int terms, class X>
STRETTO_INLINE void copy_group_rows(const RunRows<X>& run, std::int64_t channel, int present,
                                    std::uint32_t flip, std::int32_t* to) {
  constexpr int lanes = WordPairs::lanes;
  for (std::int64_t r = 0; r < run.rows; ++r, to += run.count) {
    const bool inside = r >= run.first && r < run.last;
    const std::int64_t low = inside ? run.low : run.count, high = inside ? run.high : run.count;
    const X* const from = run.from + r * run.row_step;
    for (std::int64_t q = 0; q < low; ++q) to[q] = std::int32_t(flip);
    for (std::int64_t q = high; q < run.count; ++q) to[q] = std::int32_t(flip);
    if (run.step == 1) {
      for (std::int64_t q = low; q < high; q += lanes) {
        const int n = int(least(lanes, high - q));
        WordPairs{{interleaved<terms>(from + q, channel, present, n) ^ flip}}.store(to + q, n);
      }
    } else if (channel == 1 && present == terms) {
      for (std::int64_t q = low; q < high; ++q)
        to[q] = std::int32_t(group_of<terms>(from + q * run.step, 1, terms) ^ flip);
    } else {
      for (std::int64_t q = low; q < high; ++q)
        to[q] = std::int32_t(group_of<terms>(from + q * run.step, channel, present) ^ flip);
    }
  }
}

// The terms of one output channel in the order of the steps: [group][tap].
template <int terms, class W>
STRETTO_INLINE void group_weights(const Correlation& c, const W* w, bool is_dense, std::int32_t* to) {
  constexpr int lanes = WordPairs::lanes;
  if (is_dense && c.tap_count == 1) {
    for (std::int64_t g = 0; g < c.inputs; g += lanes)
      WordPairs{{load_groups<terms>(w + g * terms, c.channels - g * terms)}}.store(
          to + g, int(least(lanes, c.inputs - g)));
    return;
  }
  for (std::int64_t g = 0; g < c.inputs; ++g, w += terms * c.w_input) {
    const int present = int(least(terms, c.channels - g * terms));
    if (is_dense) {
      for (int t = 0; t < c.tap_count; t += lanes) {
        const int n = int(least(lanes, c.tap_count - t));
        WordPairs{{interleaved<terms>(w + t, c.w_input, present, n)}}.store(to + t, n);
      }
      to += c.tap_count;
    } else {
      for (int t = 0; t < c.tap_count; ++t)
        *to++ = std::int32_t(group_of<terms>(w + c.taps[t].weight, c.w_input, present));
    }
  }
}

// Weights: [group of outputs][vector of outputs][a row of corrections, then terms][lane].
template <class W>
void pack_channel_groups(const Correlation& c, std::int32_t* packed, int threads) {
  using V = GroupVector<W>;
  constexpr int lanes = V::lanes;
  const std::int64_t vectors = divide_up(c.outputs, lanes), steps = c.inputs * c.tap_count;
  const std::int64_t pitch = (kCorrections<W> + steps) * lanes;
  bool is_dense = c.w_input == c.tap_count;
  for (int t = 0; is_dense && t < c.tap_count; ++t) is_dense = c.taps[t].weight == t;
  const std::int64_t chunk = greatest(1, (1 << 18) / greatest(1, pitch));
  parallel_for(c.groups * vectors, chunk, steps * c.outputs * c.groups < (1 << 15) ? 1 : threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const Scratch terms(lanes * steps * std::int64_t(sizeof(std::int32_t)));
                 for (std::int64_t i = begin; i < end; ++i) {
                   const W* w = static_cast<const W*>(c.w) + i / vectors * c.w_group +
                                i % vectors * lanes * c.w_output;
                   const int outputs = int(least(lanes, c.outputs - i % vectors * lanes));
                   std::int32_t* const own = terms.as<std::int32_t>();
                   for (int o = 0; o < outputs; ++o)
                     group_weights<V::terms>(c, w + o * c.w_output, is_dense, own + o * steps);
                   std::int32_t* const panel = packed + i * pitch;
                   // As a panel of a product's b, whose columns are the output channels.
                   pack_panel<std::int32_t, std::int32_t>(own, 1, steps, steps, outputs,
                                                          panel + kCorrections<W> * lanes, lanes);
                   if constexpr (kCorrections<W>) correct<W>(panel, steps, lanes);
                 }
               });
}

// How the channels kernel forms sums of groups. The epilogue's operands are of the type Operand.
template <class X, class W, class Operand_>
struct ChannelGroups {
  using Input = X;
  using Operand = Operand_;
  using Sum = std::int32_t;
  using Vector = GroupVector<W>;
  static constexpr int terms = Vector::terms, corrections = kCorrections<W>;
  static constexpr bool corrects = kFlip<X, W> != 0, leaves_out = false,  // padding is moved as x is
      packs_panels = false;

  STRETTO_INLINE static std::int64_t packed_size(const Correlation& c) {
    constexpr int lanes = Vector::lanes;
    return c.groups * divide_up(c.outputs, lanes) * (corrections + c.inputs * c.tap_count) * lanes;
  }

  STRETTO_INLINE static void pack(const Correlation& c, std::int32_t* packed, int threads) {
    pack_channel_groups<W>(c, packed, threads);
  }
  // Groups [first, last) of the group's channels; x points at its first channel.
  STRETTO_INLINE static void fill(const Correlation& c, const StripPlan& plan, const X* x, std::int64_t first,
                                  std::int64_t last, std::int64_t od, std::int64_t oh, std::int64_t ow,
                                  std::int32_t* to) {
    const std::int64_t channel = c.x.strides.at[1];
    for_each_run(c, plan, x + first * terms * channel, last - first, terms * channel, od, oh, ow, to,
                 [&](const RunRows<X>& rows, std::int64_t i, std::int32_t* run) {
                   copy_group_rows<terms>(rows, channel, int(least(terms, c.channels - (first + i) * terms)),
                                          kFlip<X, W>, run);
                 });
  }
};

}  // namespace stretto::STRETTO_ISA
