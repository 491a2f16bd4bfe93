// Runs of a strip: rows of every element of x, or of every second or third one, copied with the zeros that
// stand around them.
#pragma once

#include "base/counts.h"
#include "kernels/conv/correlation.h"
#include "simd/convert.h"
#include "simd/partial.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

// Rows of a run: to[r * count + q] = from[r * row_step + q * step] for rows [first, last) of `rows` and q in
// [low, high), +0 elsewhere.
template <class From>
struct RunRows {
  const From* from;
  std::int64_t step, row_step;
  std::int64_t rows, first, last;
  std::int64_t low, high, count;
};

// Whole rows that lie one behind the other are one.
template <class From>
STRETTO_INLINE RunRows<From> joined(const RunRows<From>& run) {
  if (run.step != 1 || run.row_step != run.count || run.low != 0 || run.high != run.count) return run;
  return {run.from,
          1,
          run.rows * run.count,
          1,
          0,
          1,
          run.first * run.count,
          run.last * run.count,
          run.rows * run.count};
}

template <class From, class T>
STRETTO_INLINE void copy_elements(const RunRows<From>& run, T* to) {
  for (std::int64_t r = 0; r < run.rows; ++r, to += run.count) {
    const bool inside = r >= run.first && r < run.last;
    const std::int64_t low = inside ? run.low : run.count, high = inside ? run.high : run.count;
    for (std::int64_t q = 0; q < low; ++q) to[q] = T(0);
    for (std::int64_t q = low; q < high; ++q) to[q] = widen_to<T>(run.from[r * run.row_step + q * run.step]);
    for (std::int64_t q = high; q < run.count; ++q) to[q] = T(0);
  }
}

// One vector of each row, from column v on; moved back to end with the row, if the row is so long.
template <class T, int step>
STRETTO_INLINE void copy_column(const RunRows<T>& run, std::int64_t v, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  const int width = int(least(lanes, run.count));
  const auto put = [&](Vec<T> x, T* row) { store_first(x, row, width); };
  const std::int64_t q = v + lanes > run.count ? greatest(0, run.count - lanes) : v;
  const std::int64_t low = run.low - q, high = run.high - q;
  const Part<T> near(step * low, step * (high - 1) + 1),
      far(step * low - lanes, step * (high - 1) + 1 - lanes);
  const bool full = low <= 0 && step * (high - 1) + 1 >= step * lanes;
  const T* from = run.from + run.first * run.row_step + step * q;
  T* row = to + q;
  for (std::int64_t r = 0; r < run.first; ++r, row += run.count) put(Vec<T>::zero(), row);
  for (std::int64_t r = run.first; r < run.last; ++r, row += run.count, from += run.row_step) {
    if constexpr (step == 1)
      put(full ? Vec<T>::load(from) : near.load(from), row);
    else
      put(full ? even_lanes(Vec<T>::load(from), Vec<T>::load(from + lanes))
               : even_lanes(near.load(from), far.load(from + lanes)),
          row);
  }
  for (std::int64_t r = run.last; r < run.rows; ++r, row += run.count) put(Vec<T>::zero(), row);
}

// The rows of `channels` runs, which lie `step` apart here and `pitch` apart there: none is longer than a
// vector, so that one mask serves all.
template <class T, int step>
STRETTO_INLINE void copy_narrow(const RunRows<T>& run, std::int64_t channels, std::int64_t channel_step,
                                T* to, std::int64_t pitch) {
  constexpr int lanes = Vec<T>::lanes;
  const int width = int(run.count);
  const Part<T> near(step * run.low, step * (run.high - 1) + 1),
      far(step * run.low - lanes, step * (run.high - 1) + 1 - lanes);
  const bool is_near = step == 1 || step * (run.high - 1) < lanes;  // no element is in `far`
  const T* from = run.from;
  for (std::int64_t channel = 0; channel < channels; ++channel, from += channel_step, to += pitch) {
    T* row = to;
    std::int64_t r = 0;
    for (; r < run.first; ++r, row += width) store_first(Vec<T>::zero(), row, width);
    for (; r < run.last; ++r, row += width) {
      Vec<T> x = near.load(from + r * run.row_step);
      if constexpr (step == 2)
        x = even_lanes(x, is_near ? Vec<T>::zero() : far.load(from + r * run.row_step + lanes));
      store_first(x, row, width);
    }
    for (; r < run.rows; ++r, row += width) store_first(Vec<T>::zero(), row, width);
  }
}

// Vectors that lie inside row by row, those at the edges column by column.
template <class T, int step>
STRETTO_INLINE void copy_vectors(const RunRows<T>& run, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t begin = divide_up(run.low, lanes) * lanes,
                     inside = greatest(0, run.high + 1 - step - begin) / lanes, end = begin + inside * lanes;
  if (inside > 2) {
    for (std::int64_t r = 0; r < run.rows; ++r) {
      const T* const from = run.from + r * run.row_step;
      T* const row = to + r * run.count;
      if (r < run.first || r >= run.last) {
        for (std::int64_t q = begin; q < end; q += lanes) Vec<T>::zero().store(row + q);
      } else {
        for (std::int64_t q = begin; q < end; q += lanes)
          if constexpr (step == 1)
            Vec<T>::load(from + q).store(row + q);
          else
            even_lanes(Vec<T>::load(from + 2 * q), Vec<T>::load(from + 2 * q + lanes)).store(row + q);
      }
    }
  }
  for (std::int64_t v = 0; v < run.count; v += lanes) {
    if (v == begin && inside > 2) v = end;
    if (v < run.count) copy_column<T, step>(run, v, to);
  }
}

// Elements 0, 2, 4, ... of bfloat16 memory: the low halves of pairs that begin at p, or the high halves of
// those that begin before it.
STRETTO_INLINE Vec<float> low_halves(const bfloat16* p) {
  return from_bits(shift_left<16>(bits(Vec<float>::load(reinterpret_cast<const float*>(p)))));
}
STRETTO_INLINE Vec<float> high_halves(const bfloat16* p) {
  const Vec<std::uint32_t> high = Vec<std::uint32_t>::broadcast(0xffff0000u);
  return from_bits(bits(Vec<float>::load(reinterpret_cast<const float*>(p - 1))) & high);
}

// Row by row of vectors, the last one of a row moved back to end with it.
template <class From, int step>
STRETTO_INLINE void widen_vectors(const RunRows<From>& run, float* to) {
  constexpr int lanes = Vec<float>::lanes;
  const std::int64_t valid = run.high - run.low;
  for (std::int64_t r = 0; r < run.rows; ++r, to += run.count) {
    const bool inside = r >= run.first && r < run.last;
    const std::int64_t low = inside ? run.low : run.count, high = inside ? run.high : run.count;
    for (std::int64_t q = 0; q < low; ++q) to[q] = 0;
    for (std::int64_t q = high; q < run.count; ++q) to[q] = 0;
    if (!inside) continue;
    const From* from = run.from + r * run.row_step;
    if (valid < lanes + (step == 2)) {
      if constexpr (step == 1)
        load_as<float, From>(from + low, int(valid)).store(to + low, int(valid));
      else
        for (std::int64_t q = low; q < high; ++q) to[q] = widen_to<float>(from[q * step]);
      continue;
    }
    for (std::int64_t v = low; v < high; v += lanes) {
      const std::int64_t q = least(v, high - lanes);
      if constexpr (step == 1)
        load_as<float, From>(from + q, lanes).store(to + q);
      else
        (v == low ? low_halves(from + 2 * q) : high_halves(from + 2 * q)).store(to + q);
    }
  }
}

template <class From, class T>
STRETTO_INLINE void copy_rows(const RunRows<From>& run, T* to) {
  if constexpr (is_same<From, T> && (is_same<T, float> || is_same<T, double>)) {
    if (run.step == 1) return copy_vectors<T, 1>(joined(run), to);
    if (run.step == 2) return copy_vectors<T, 2>(run, to);
  }
  if constexpr (is_same<From, bfloat16> || is_same<From, float16>)
    if (run.step == 1) return widen_vectors<From, 1>(joined(run), to);
  if constexpr (is_same<From, bfloat16>)
    if (run.step == 2) return widen_vectors<From, 2>(run, to);
  copy_elements(run, to);
}

}  // namespace stretto::STRETTO_ISA
