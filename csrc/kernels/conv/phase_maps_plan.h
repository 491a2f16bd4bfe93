// How a transposed convolution is cut for the maps kernel, and its weights' layout.
#pragma once

#include "kernels/conv/phase_classes.h"
#include "kernels/conv/phase_tile.h"
#include "kernels/conv/shares.h"

namespace stretto::STRETTO_ISA {

// Of a block's strips, in the second cache, and of a block that has many outputs without more. Processors
// that have no more than AVX2 often have a small one.
inline constexpr std::int64_t kMapStripBytes = 256 << 10;
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr std::int64_t kMapManyBytes = 128 << 10, kMapBatchBytes = 256 << 10;
#else
inline constexpr std::int64_t kMapManyBytes = kMapStripBytes, kMapBatchBytes = 640 << 10;
#endif
inline constexpr std::int64_t kMapManyOutputs = 128;
inline constexpr std::int64_t kMapSumsBytes = 32 << 10;     // of some outputs' sums: in the first, or almost
inline constexpr std::int64_t kMapWeightBytes = 512 << 10;  // that are worth the strips of several samples
inline constexpr double kLeastMapProducts = 2e5;            // of what a thread claims at once

// The taps of all phases as those of one correlation: what its strip holds serves every phase.
STRETTO_INLINE Correlation all_phases(const ConvTransposeArgs& args, const Phases& phases) {
  Correlation c = phases.correlation(phases[0]);
  c.tap_count = 0;
  for (std::int64_t i = 0; i < phases.count(); ++i) c.tap_count += phases[i].tap_count;
  c.x = args.x;
  c.out = args.out;
  c.epilogue = &args.epilogue;
  return c;
}

// f(first, count) for sums of a class in tiles, as even as can be.
template <class F>
STRETTO_INLINE void for_each_tile_of_sums(std::int64_t sums, F&& f) {
  const std::int64_t tiles = divide_up(sums, kTileOutputs);
  for (std::int64_t i = 0, first = 0; i < tiles; ++i) {
    const std::int64_t end = sums * (i + 1) / tiles;
    f(first, end - first);
    first = end;
  }
}

// Weights: [group][kTileOutputs outputs, the last time fewer][class][tile][channel][tap][sum]. The sums of a
// class are [phase][output].
class MapsWeights {
 public:
  MapsWeights(const ConvTransposeArgs& args, const Phases& phases, std::int64_t taps)
      : args_(args), phases_(phases), taps_(taps) {}

  template <class From, class T>
  void pack(T* packed, int threads) const {
    constexpr double least_elements = 1 << 14;  // of a thread
    constexpr std::int64_t kMostSpan = 2048;    // bytes of a channel that are fetched ahead
    constexpr std::int64_t kChannelsAhead = 4;  // how early
    const PhaseClasses classes(phases_);
    const Dims& step = args_.w.strides;
    const std::int64_t inputs = args_.group_inputs(), outputs = args_.group_outputs(),
                       chunks = divide_up(outputs, kTileOutputs), tasks = args_.groups * chunks;
    share_tasks(
        tasks, double(args_.w.size()), least_elements, threads, [&](std::int64_t begin, std::int64_t end) {
          const Scratch memory(kTileOutputs * taps_ * std::int64_t(sizeof(std::int64_t)));
          std::int64_t* const from = memory.as<std::int64_t>();
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t group = task / chunks, first = task % chunks * kTileOutputs;
            const std::int64_t count = least(kTileOutputs, outputs - first);
            list_elements(classes, count, from);
            const From* const w = args_.w.as<From>() + group * inputs * step.at[0] + first * step.at[1];
            T* const to = packed + (group * outputs + first) * inputs * taps_;
            // A channel's elements are too short a stream for the hardware to run ahead.
            const std::int64_t span = count * step.at[1];
            const bool runs_ahead = span > 0 && span * std::int64_t(sizeof(From)) <= kMostSpan;
            for (std::int64_t c = 0; c < inputs; ++c) {
              if (runs_ahead && c + kChannelsAhead < inputs)
                for (std::int64_t i = 0; i < span; i += 64 / std::int64_t(sizeof(From)))
                  __builtin_prefetch(w + (c + kChannelsAhead) * step.at[0] + i);
              std::int64_t at = 0;
              for_each_tile(classes, count, [&](std::int64_t, std::int64_t, std::int64_t sums, int taps) {
                const std::int64_t size = sums * taps;
                T* const row = to + at * inputs + c * size;
                for (std::int64_t i = 0; i < size; ++i)
                  row[i] = widen_to<T>(w[c * step.at[0] + from[at + i]]);
                at += size;
              });
            }
          }
        });
  }

 private:
  // f(class, first sum, sums, taps)
  template <class F>
  static void for_each_tile(const PhaseClasses& classes, std::int64_t count, F&& f) {
    for (std::int64_t k = 0; k < classes.count(); ++k)
      for_each_tile_of_sums(classes.size(k) * count, [&](std::int64_t first, std::int64_t sums) {
        f(k, first, sums, classes.at(classes.begin(k)).tap_count);
      });
  }

  // Where in w the elements of one channel lie, in their order.
  void list_elements(const PhaseClasses& classes, std::int64_t count, std::int64_t* from) const {
    for_each_tile(classes, count, [&](std::int64_t k, std::int64_t first, std::int64_t sums, int taps) {
      for (int t = 0; t < taps; ++t)
        for (std::int64_t r = first; r < first + sums; ++r)
          *from++ =
              r % count * args_.w.strides.at[1] + classes.at(classes.begin(k) + r / count).taps[t].weight;
    });
  }

  const ConvTransposeArgs& args_;
  const Phases& phases_;
  const std::int64_t taps_;  // of all phases
};

struct MapsPlan {
  std::int64_t samples = 1, rows = 1, columns = 1;  // of a block
  std::int64_t sample_blocks = 1, row_blocks = 1, column_blocks = 1;
  std::int64_t chunks = 1, splits = 1;  // of kTileOutputs outputs; of the chunks among tasks
  StripRuns column_runs = StripRuns::by_phase;
  bool reads_x = false;  // where it lies, without a strip
  bool weaves = false;   // sums of one output of one channel, as they are formed
};

// Whether all taps meet the same element of x, none of it padding, in rows that lie one behind the other.
template <class T>
STRETTO_INLINE bool can_read_maps(const Correlation& c, const Phase& first) {
  const Dims& x = c.x.strides;
  bool suits = c.tap_count > 0 && x.at[4] == 1 && x.at[3] == first.size[2] &&
               first.size[1] * first.size[2] >= Vec<T>::lanes &&
               x.at[1] * std::int64_t(sizeof(T)) % 4096 != 0;
  for (int t = 0; suits && t < c.tap_count; ++t)
    for (int d = 0; d < kSpatial; ++d) {
      const std::int64_t at = c.taps[t].at[d];
      suits = suits && at == c.taps[0].at[d] && at >= 0 && at + first.size[d] <= c.x.shape.at[2 + d];
    }
  return suits;
}

template <class From, class T>
MapsPlan plan_maps(const Correlation& c, const Phases& phases, int threads, std::int64_t* room) {
  constexpr std::int64_t lanes = Vec<T>::lanes, size = sizeof(T);
  constexpr std::int64_t read_outputs = 32;  // up to which a strip costs more than it saves
  MapsPlan plan;
  const Phase& first = phases[0];
  const std::int64_t samples = c.out.shape.at[0], height = first.size[1], width = first.size[2];
  const std::int64_t outputs = least(c.outputs, kTileOutputs);
  const auto strip_of = [&](std::int64_t rows, std::int64_t columns) {
    StripPlan strip;
    strip.plan(c, rows, columns, StripRuns::by_phase, plan.column_runs, room);
    return strip;
  };
  const auto bytes = [&](std::int64_t rows, std::int64_t columns) {
    return strip_of(rows, columns).channel_pitch() * c.inputs * size;
  };
  // Of more than one position a row, there are as many phases as the stride.
  plan.weaves =
      c.inputs == 1 && c.outputs == 1 && width > 1 && (phases.count(2) == 2 || phases.count(2) == 4);
  const auto sums = [&](std::int64_t rows, std::int64_t columns) {
    return plan.weaves ? 0 : rows * columns * outputs * phases.count() * size;
  };
  if (c.tap_count > 0) {  // a run for each tap, where outputs beyond the rows cost more than the copies
    const StripPlan padded = strip_of(1, width);
    plan.column_runs = StripRuns::by_tap;
    const StripPlan exact = strip_of(1, width);
    constexpr double copy = 6;  // of a vector, in products
    const double products = double(c.tap_count * c.outputs);
    const auto vectors = [&](std::int64_t pitch) {
      return double(divide_up((height - 1) * pitch + width, lanes));
    };
    if (vectors(padded.row_pitch()) * (products + copy) <=
        vectors(exact.row_pitch()) * (products + copy * double(exact.axis[2].lanes)))
      plan.column_runs = StripRuns::by_phase;
  }
  plan.columns = width;
  while (plan.columns > 4 * lanes &&
         (bytes(1, plan.columns) > kMapStripBytes || sums(1, plan.columns) > kMapSumsBytes))
    plan.columns = divide_up(divide_up(plan.columns, 2), lanes) * lanes;
  plan.column_blocks = divide_up(width, plan.columns);
  while (plan.rows < height && sums(plan.rows + 1, plan.columns) <= kMapSumsBytes &&
         bytes(plan.rows + 1, plan.columns) <=
             (plan.rows * plan.columns < kMapManyOutputs ? kMapStripBytes : kMapManyBytes))
    ++plan.rows;
  plan.rows = divide_up(height, divide_up(height, plan.rows));
  plan.row_blocks = divide_up(height, plan.rows);
  if (plan.row_blocks * plan.column_blocks == 1 &&
      c.inputs * c.outputs * c.tap_count * size >= kMapWeightBytes)
    plan.samples = greatest(1, least(samples, least(kMapBatchBytes / greatest(1, bytes(height, width)),
                                                    kMapSumsBytes / sums(height, width))));
  plan.samples = divide_up(samples, divide_up(samples, plan.samples));
  plan.sample_blocks = divide_up(samples, plan.samples);
  plan.chunks = divide_up(c.outputs, kTileOutputs);
  const std::int64_t blocks =
      plan.sample_blocks * c.groups * first.size[0] * plan.row_blocks * plan.column_blocks;
  while (threads > 1 && blocks * plan.splits < 2 * threads && plan.splits < plan.chunks) ++plan.splits;
  const std::int64_t last_rows = height - (plan.row_blocks - 1) * plan.rows;
  plan.reads_x = is_same<From, T> && !plan.weaves && c.inputs <= c.segment_channels &&
                 plan.column_blocks == 1 && last_rows * width >= lanes &&
                 c.tap_count * c.outputs <= read_outputs && can_read_maps<T>(c, first);
  return plan;
}

}  // namespace stretto::STRETTO_ISA
