// The row of depthwise transposed convolution: the sums of all column phases at neighbouring positions, woven
// as they leave the registers.
#pragma once

#include "kernels/conv/phase_maps_plan.h"
#include "kernels/conv/weave_row.h"

namespace stretto::STRETTO_ISA {

// The sums of a phase: where their taps meet the strip, and their weights.
struct PhaseLine {
  const std::int64_t* offset;
  int taps;
  std::int64_t weight, step;  // of the first tap, and from one to the next
};

// Of all phases, for weights that are packed for one output of one channel; `offset` is that of all taps.
STRETTO_INLINE void find_phase_lines(const PhaseClasses& classes, std::int64_t phases, const Tap* taps,
                                     const std::int64_t* offset, PhaseLine* lines) {
  std::int64_t packed = 0;
  for (std::int64_t k = 0; k < classes.count(); ++k) {
    const Phase& phase = classes.at(classes.begin(k));
    for_each_tile_of_sums(classes.size(k), [&](std::int64_t first, std::int64_t height) {
      for (std::int64_t i = 0; i < phases; ++i) {
        const std::int64_t sum = classes.slot(i) - classes.begin(k) - first;
        if (sum >= 0 && sum < height)
          lines[i] = {offset + (phase.taps - taps), phase.tap_count, packed + sum, height};
      }
      packed += height * phase.tap_count;
    });
  }
}

// V vectors of positions from x on, of S phases.
template <class T, int S, int V>
STRETTO_INLINE void sum_woven(const PhaseLine* lines, const T* w, const T* x, T* to, std::int64_t columns) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> acc[V][S];
#pragma GCC unroll 8
  for (int s = 0; s < S; ++s) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) acc[v][s] = Vec<T>::zero();
    const PhaseLine& line = lines[s];
    const T* weight = w + line.weight;
    for (int t = 0; t < line.taps; ++t, weight += line.step) {
      const Vec<T> factor = Vec<T>::broadcast(*weight);
      const T* const from = x + line.offset[t];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[v][s] = fma(factor, Vec<T>::load(from + v * lanes), acc[v][s]);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    interleave<T, S>(acc[v]);
    store_woven<T, S>(acc[v], to + v * S * lanes, columns - v * S * lanes);
  }
}

// A row of the result; x is its first position's.
template <class T, int S, int V = 8 / S>
STRETTO_INLINE void weave_phase_row(const PhaseLine* lines, const T* w, const T* x, T* to,
                                    std::int64_t columns) {
  constexpr std::int64_t positions = V * Vec<T>::lanes;
  for (; columns > (V - 1) * S * Vec<T>::lanes; x += positions, to += positions * S, columns -= positions * S)
    sum_woven<T, S, V>(lines, w, x, to, columns);
  if constexpr (V > 1)
    if (columns > 0) weave_phase_row<T, S, V - 1>(lines, w, x, to, columns);
}

// As weave_rows, of sums that are formed here; t.lines are not read.
template <class T, int S>
[[gnu::noinline]] void weave_phase_rows(const WovenRows<T>& t, const PhaseLine* lines, const T* w,
                                        const T* x) {
  T* row = t.to;
  for (std::int64_t y = 0, phase = 0; y < t.rows; ++y, row += t.step) {
    weave_phase_row<T, S>(lines + phase * S, w, x, row, t.columns);
    if (++phase == t.row_phases) phase = 0, x += t.pitch;
  }
}

}  // namespace stretto::STRETTO_ISA
