// The channels kernel's layout of weights.
#pragma once

#include "kernels/conv/channels_tile.h"
#include "kernels/conv/pair_order.h"
#include "kernels/conv/shares.h"

namespace stretto::STRETTO_ISA {

// Weights: [group][vector of outputs][term][lane], outputs padded with zeros. Terms are in the order of the
// sum: (channel, tap), or that of PairOrder. Behind them [group][vector of outputs]: 0 where all are finite,
// else NaN.
template <class T>
STRETTO_INLINE std::int64_t channels_packed_size(const Correlation& c) {
  const std::int64_t vectors = divide_up(c.outputs, Vec<T>::lanes);
  return c.groups * vectors * (Vec<T>::lanes * c.inputs * c.tap_count + 1);
}

template <class T>
STRETTO_INLINE T zero_if_finite(const T* values, std::int64_t count) {
  Vec<T> sum = Vec<T>::zero();
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes)
    sum = fma(Vec<T>::load(values + i), Vec<T>::zero(), sum);
  T lanes[Vec<T>::lanes], total = 0;
  sum.store(lanes);
  for (const T lane : lanes) total += lane;
  return total;
}

// Packs one vector of outputs of a group; returns 0 where all weights are finite, else NaN.
template <class From, class T>
[[gnu::noinline]] T pack_panel(const Correlation& c, std::int64_t group, std::int64_t panel, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t terms = c.inputs * c.tap_count;
  const PairOrder order(c.inputs, c.tap_count);
  const From* w = static_cast<const From*>(c.w) + group * c.w_group + panel * lanes * c.w_output;
  const int n = int(least(lanes, c.outputs - panel * lanes));
  // Where a channel's taps lie one behind the other, and the channels too, rows of w are read in vectors.
  bool flat = c.w_input == c.tap_count && n == lanes;
  for (int t = 0; flat && t < c.tap_count; ++t) flat = c.taps[t].weight == t;
  std::int64_t k = 0, channel = 0;
  int tap = 0;
  const auto next = [&] {
    const std::int64_t place = is_same<From, bfloat16> ? order.place(channel, tap) : k;
    if (++tap == c.tap_count) tap = 0, ++channel;
    ++k;
    return to + place * lanes;
  };
  while (flat && k + lanes <= terms) {
    Vec<T> row[lanes];
#pragma GCC unroll 16
    for (int o = 0; o < lanes; ++o) row[o] = load_as<T, From>(w + o * c.w_output + k, lanes);
    transpose(row);
#pragma GCC unroll 16
    for (int o = 0; o < lanes; ++o) row[o].store(next());
  }
  while (k < terms) {
    const From* from = w + channel * c.w_input + c.taps[tap].weight;
    T* lane = next();
    for (int o = 0; o < lanes; ++o) lane[o] = o < n ? widen_to<T>(from[o * c.w_output]) : T(0);
  }
  return zero_if_finite(to, terms * lanes);
}

template <class From, class T>
void pack_channels(const Correlation& c, T* packed, int threads) {
  constexpr double least_elements = 1 << 14;  // of a thread
  const std::int64_t panels = divide_up(c.outputs, Vec<T>::lanes),
                     size = Vec<T>::lanes * c.inputs * c.tap_count;
  T* const doubts = packed + c.groups * panels * size;
  share_tasks(c.groups * panels, double(c.groups * panels * size), least_elements, threads,
              [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i)
                  doubts[i] = pack_panel<From, T>(c, i / panels, i % panels, packed + i * size);
              });
}

}  // namespace stretto::STRETTO_ISA
