// The weights of a convolution on AMX: panels of 32 outputs, steps of 32 channels of one tap, in bfloat16
// parts.
#pragma once

#include "kernels/conv/amx_strip.h"
#include "kernels/conv/shares.h"

namespace stretto::STRETTO_ISA {

// Taps come one after the other, each with all its channels.
struct AmxSteps {
  std::int64_t of_tap, count;
  STRETTO_INLINE explicit AmxSteps(const Correlation& c)
      : of_tap(divide_up(c.inputs, kAmxDepth)), count(of_tap * c.tap_count) {}
};

// [group][panel][step][part][pair of channels][output], then [group][output]: whether parts do not hold all
// its weights.
template <int parts>
struct AmxWeights {
  static constexpr std::int64_t kStep = parts * kAmxPanelPart;
  const char* data;
  std::int64_t panel_step, group_step;
  const bool* marks;

  STRETTO_INLINE AmxWeights(const Correlation& c, const void* packed)
      : data(static_cast<const char*>(packed)),
        panel_step(AmxSteps(c).count * kStep),
        group_step(divide_up(c.outputs, kAmxTile) * panel_step),
        marks(reinterpret_cast<const bool*>(data + c.groups * group_step)) {}

  STRETTO_INLINE static std::int64_t bytes(const Correlation& c) {
    return c.groups * (AmxWeights(c, nullptr).group_step + c.outputs);
  }
};

// A vector of outputs of a panel, at its first step's first column; those beyond `outputs` are zeros.
template <class From, int parts>
STRETTO_INLINE void pack_amx_columns(const Correlation& c, const From* w, int outputs, char* to,
                                     bool* marks) {
  using V = Vec<float>;
  for (int t = 0; t < c.tap_count; ++t)
    for (std::int64_t first = 0; first < c.inputs; first += kAmxDepth, to += AmxWeights<parts>::kStep) {
      AmxRow rows[parts][V::lanes] = {};
      const int channels = int(least(kAmxDepth, c.inputs - first));
      for (int i = 0; i < outputs; ++i) {
        const From* const from = w + i * c.w_output + c.taps[t].weight + first * c.w_input;
        From together[kAmxDepth] = {};
        for (int p = 0; p < channels; ++p) together[p] = from[p * c.w_input];
        put_channels<From, parts>(together, kAmxDepth, &rows[0][i], V::lanes);
        if constexpr (parts > 1) {
          PartRange range;
          for (int half = 0; half < kAmxDepth; half += V::lanes) range.add(V::load(together + half));
          marks[i] |= range.has_outside();
        }
      }
      for (int q = 0; q < parts; ++q)
        for (int pair = 0; pair < kAmxRows; pair += V::lanes) {
          V square[V::lanes];
          for (int i = 0; i < V::lanes; ++i)
            square[i] = V::load(reinterpret_cast<const float*>(rows[q][i].pairs + pair));
          transpose(square);
          for (int i = 0; i < V::lanes; ++i)
            square[i].store(reinterpret_cast<float*>(to + q * kAmxPanelPart + (pair + i) * 2 * kAmxBytes));
        }
    }
}

template <class From, int parts>
void pack_amx_weights(const Correlation& c, void* packed, int threads) {
  constexpr int lanes = Vec<float>::lanes;
  const AmxWeights<parts> weights(c, packed);
  const std::int64_t panels = divide_up(c.outputs, kAmxTile);
  char* const to = static_cast<char*>(packed);
  bool* const marks = const_cast<bool*>(weights.marks);
  std::memset(marks, 0, std::size_t(c.groups * c.outputs));
  share_tasks(c.groups * panels, double(weights.bytes(c)), 1 << 16, threads,
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i)
                  for (int column = 0; column < kAmxTile; column += lanes) {
                    const std::int64_t group = i / panels, o = i % panels * kAmxTile + column;
                    pack_amx_columns<From, parts>(
                        c, static_cast<const From*>(c.w) + group * c.w_group + o * c.w_output,
                        int(greatest(0, least(lanes, c.outputs - o))),
                        to + i * weights.panel_step + column * 4, marks + group * c.outputs + o);
                  }
              });
}

}  // namespace stretto::STRETTO_ISA
