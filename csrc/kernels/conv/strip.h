// A strip: the part of one sample's input that a block of outputs reads, copied channel by channel with its
// zero padding, so that neighbouring outputs of a row read neighbouring elements, whatever the stride and the
// layout.
#pragma once

#include "base/parallel.h"
#include "kernels/conv/correlation.h"
#include "kernels/conv/run_rows.h"

namespace stretto::STRETTO_ISA {

// By tap: a run for each distinct tap offset; by phase: one for each phase of the stride, which taps share;
// undivided: as x lies, where that is no more than a run for each tap would be.
enum class StripRuns { smaller, by_tap, by_phase, undivided };

// How one spatial axis of a block lies in the strip: `lanes` runs of `count` elements, element q of run l
// being input position first * stride * spread + base(l) + q * stride. Either the stride's phases ("dense"),
// of which there is one in an undivided run, or one run a tap.
struct StripAxis {
  std::int64_t lanes = 1, count = 1, stride = 1;
  std::int64_t spread = 1;             // from one output to the next in a run
  const std::int64_t* taps = nullptr;  // where different taps meet x: [different]
  std::int64_t different = 0, low = 0, high = 0;
  bool dense = false;

  // The taps of axis d. `room` holds at least tap_count values.
  void measure(const Correlation& c, int d, std::int64_t* room) {
    taps = room;
    different = 0;
    if (c.tap_count == 0) return;
    low = high = c.taps[0].at[d];
    for (int t = 0; t < c.tap_count; ++t) {
      const std::int64_t at = c.taps[t].at[d];
      low = least(low, at);
      high = greatest(high, at);
      bool seen = false;
      for (std::int64_t i = 0; i < different && !seen; ++i) seen = room[i] == at;
      if (!seen) room[different++] = at;
    }
  }

  // For so many outputs, of axes that are measured.
  void cut(std::int64_t step, std::int64_t outputs, StripRuns runs) {
    stride = step;
    spread = 1;
    lanes = different;
    count = outputs;
    dense = false;
    if (different == 0) return;
    const std::int64_t dense_count = outputs + (stride == 1 ? high - low : (high - low) / stride);
    const std::int64_t whole_count = (outputs - 1) * stride + high - low + 1;
    if (runs == StripRuns::undivided && stride <= different && whole_count <= different * outputs) {
      dense = true;
      spread = stride;
      stride = lanes = 1;
      count = whole_count;
    } else if (runs == StripRuns::by_phase || (runs != StripRuns::by_tap && stride <= different &&
                                               stride * dense_count < different * outputs)) {
      dense = true;
      lanes = stride;
      count = dense_count;
    }
  }

  // Where run l meets x for output 0.
  STRETTO_INLINE std::int64_t base(std::int64_t l) const { return dense ? low + l : taps[l]; }

  // The run and the element of it at which a tap meets output 0.
  STRETTO_INLINE void find(std::int64_t at, std::int64_t& lane, std::int64_t& shift) const {
    lane = dense && stride > 1 ? (at - low) % stride : 0;
    shift = !dense ? 0 : stride > 1 ? (at - low) / stride : at - low;
    while (!dense && taps[lane] != at) ++lane;
  }
};

// The strip of `rows` x `columns` outputs of one depth: [channel][depth run][row run][column
// run][row][column].
struct StripPlan {
  StripAxis axis[3];
  std::int64_t rows = 0, columns = 0;

  void plan(const Correlation& c, std::int64_t block_rows, std::int64_t block_columns, StripRuns row_runs,
            StripRuns column_runs, std::int64_t* room) {
    measure(c, room);
    cut(c, block_rows, block_columns, row_runs, column_runs);
  }
  void measure(const Correlation& c, std::int64_t* room) {
    for (int d = 0; d < 3; ++d) axis[d].measure(c, d, room + d * c.tap_count);
  }
  // Again for another block, once it is measured.
  void cut(const Correlation& c, std::int64_t block_rows, std::int64_t block_columns, StripRuns row_runs,
           StripRuns column_runs) {
    rows = block_rows;
    columns = block_columns;
    axis[0].cut(c.stride[0], 1, StripRuns::by_tap);
    axis[1].cut(c.stride[1], rows, row_runs);
    axis[2].cut(c.stride[2], columns, column_runs);
  }
  // How many values plan() needs as room.
  STRETTO_INLINE static std::int64_t room_for(const Correlation& c) { return 3 * c.tap_count; }
  STRETTO_INLINE std::int64_t runs() const { return axis[0].lanes * axis[1].lanes * axis[2].lanes; }
  STRETTO_INLINE std::int64_t row_pitch() const { return axis[2].count; }
  STRETTO_INLINE std::int64_t run_pitch() const { return axis[1].count * axis[2].count; }
  // Channels that are a power of two apart would meet in few sets of the first cache.
  STRETTO_INLINE std::int64_t channel_pitch() const {
    const std::int64_t size = runs() * run_pitch();
    return size % 128 == 0 ? size + 16 : size;
  }
  STRETTO_INLINE std::int64_t offset(const Tap& tap) const {
    std::int64_t d, h, w, unused, row, column;
    axis[0].find(tap.at[0], d, unused);
    axis[1].find(tap.at[1], h, row);
    axis[2].find(tap.at[2], w, column);
    return ((d * axis[1].lanes + h) * axis[2].lanes + w) * run_pitch() + row * row_pitch() + column;
  }
};

// The valid part [low, high) of a run whose element q is input position first + q * stride.
STRETTO_INLINE void clip(std::int64_t first, std::int64_t stride, std::int64_t size, std::int64_t count,
                         std::int64_t& low, std::int64_t& high) {
  if (stride == 1) {  // no division
    low = first >= 0 ? 0 : least(count, -first);
    high = greatest(low, least(count, size - first));
    return;
  }
  low = first >= 0 ? 0 : least(count, divide_up(-first, stride));
  high = first >= size ? low : greatest(low, least(count, divide_up(size - first, stride)));
}

// The runs of channel 0 into `run`, one for each of the strip's; (od, oh, ow) is the block's first output.
template <class From>
STRETTO_INLINE void find_runs(const Correlation& c, const StripPlan& plan, const From* x, std::int64_t od,
                              std::int64_t oh, std::int64_t ow, RunRows<From>* run) {
  const std::int64_t* steps = c.x.strides.at;
  const StripAxis &depth = plan.axis[0], &height = plan.axis[1], &width = plan.axis[2];
  for (std::int64_t i = 0; i < plan.runs(); ++i) {
    const std::int64_t d = od * depth.stride + depth.base(i / width.lanes / height.lanes);
    const std::int64_t h = oh * height.stride * height.spread + height.base(i / width.lanes % height.lanes);
    const std::int64_t w = ow * width.stride * width.spread + width.base(i % width.lanes);
    run[i] = {x + d * steps[2] + h * steps[3] + w * steps[4],
              width.stride * steps[4],
              height.stride * steps[3],
              height.count,
              0,
              0,
              0,
              0,
              width.count};
    clip(h, height.stride, c.x.shape.at[3], height.count, run[i].first, run[i].last);
    clip(w, width.stride, c.x.shape.at[4], width.count, run[i].low, run[i].high);
    if (d < 0 || d >= c.x.shape.at[2]) run[i].last = run[i].first = 0;
  }
}

// f(rows, channel, run of the strip) for the runs of channels [0, channels), which lie `step` apart; x points
// at the first of them.
template <class From, class T, class F>
STRETTO_INLINE void for_each_run(const Correlation& c, const StripPlan& plan, const From* x,
                                 std::int64_t channels, std::int64_t step, std::int64_t od, std::int64_t oh,
                                 std::int64_t ow, T* to, F&& f) {
  const std::int64_t runs = plan.runs();
  const Scratch memory(runs * std::int64_t(sizeof(RunRows<From>)));
  RunRows<From>* const run = memory.as<RunRows<From>>();
  find_runs(c, plan, x, od, oh, ow, run);
  const From *begin = nullptr, *end = nullptr;  // what channel 0 reads
  for (std::int64_t i = 0; i < runs; ++i) {
    if (run[i].first >= run[i].last || run[i].low >= run[i].high) continue;
    const From* const first = run[i].from + run[i].first * run[i].row_step;
    const From* const last =
        run[i].from + (run[i].last - 1) * run[i].row_step + (run[i].high - 1) * run[i].step;
    begin = begin && begin < first ? begin : first;
    end = end > last ? end : last;
  }
  // Channels that lie together are read together, a cache line at a time.
  const std::int64_t together = c.x.strides.at[1] == 1 ? 16 : 1, pitch = plan.channel_pitch();
  // A channel's rows are too short a stream for the hardware to run ahead.
  const bool runs_ahead = together == 1 && begin && end - begin <= 2 * pitch;
  for (std::int64_t first = 0; first < channels; first += together) {
    const std::int64_t last = least(channels, first + together);
    if (runs_ahead && last < channels)
      for (const From* line = begin; line <= end; line += 64 / sizeof(From))
        __builtin_prefetch(line + last * step);
    for (std::int64_t i = 0; i < runs; ++i) {
      RunRows<From> rows = run[i];
      rows.from += first * step;
      for (std::int64_t channel = first; channel < last; ++channel, rows.from += step)
        f(rows, channel, to + channel * pitch + i * plan.run_pitch());
    }
  }
}

// The same as fill_strip, of rows of at most a vector.
template <class T, int step>
STRETTO_INLINE void fill_narrow_strip(const Correlation& c, const StripPlan& plan, const T* x,
                                      std::int64_t channels, std::int64_t od, std::int64_t oh,
                                      std::int64_t ow, T* to) {
  constexpr std::int64_t kBytes = 16 << 10;  // of channels that stay in the first cache from run to run
  const std::int64_t runs = plan.runs(), pitch = plan.channel_pitch();
  const std::int64_t together = greatest(1, kBytes / (pitch * std::int64_t(sizeof(T))));
  const Scratch memory(runs * std::int64_t(sizeof(RunRows<T>)));
  RunRows<T>* const run = memory.as<RunRows<T>>();
  find_runs(c, plan, x, od, oh, ow, run);
  for (std::int64_t first = 0; first < channels; first += together) {
    const std::int64_t count = least(channels - first, together);
    for (std::int64_t i = 0; i < runs; ++i) {
      copy_narrow<T, step>(run[i], count, c.x.strides.at[1], to + first * pitch + i * plan.run_pitch(),
                           pitch);
      run[i].from += count * c.x.strides.at[1];
    }
  }
}

// Fills channels [0, channels) of `to`; x points at the first of them.
template <class From, class T>
[[gnu::noinline]] void fill_strip(const Correlation& c, const StripPlan& plan, const From* x,
                                  std::int64_t channels, std::int64_t od, std::int64_t oh, std::int64_t ow,
                                  T* to) {
  if constexpr (is_same<From, T> && (is_same<T, float> || is_same<T, double>)) {
    const std::int64_t step = c.x.strides.at[4] * plan.axis[2].stride, count = plan.axis[2].count;
    if (count <= Vec<T>::lanes && step == 1)
      return fill_narrow_strip<T, 1>(c, plan, x, channels, od, oh, ow, to);
    if (count <= Vec<T>::lanes && step == 2)
      return fill_narrow_strip<T, 2>(c, plan, x, channels, od, oh, ow, to);
  }
  for_each_run(c, plan, x, channels, c.x.strides.at[1], od, oh, ow, to,
               [](const RunRows<From>& rows, std::int64_t, T* run)
                   __attribute__((always_inline)) { copy_rows<From, T>(rows, run); });
}

}  // namespace stretto::STRETTO_ISA
