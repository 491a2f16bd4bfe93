// The maps kernel of transposed convolution: lanes are neighbouring outputs of one phase, across the ends of
// rows. One strip of x serves all phases of a block; the sums of a few output channels are woven into the
// result while they are hot, those of one channel while they are formed.
#pragma once

#include "kernels/conv/finish_block.h"
#include "kernels/conv/in_place.h"
#include "kernels/conv/phase_rows.h"

namespace stretto::STRETTO_ISA {

template <class T>
struct MapsRun {
  const ConvTransposeArgs& args;
  const Phases& phases;
  const PhaseClasses& classes;
  const Correlation& c;  // of all phases
  const MapsPlan& plan;
  const StripPlan& strip;
  const std::int64_t* offset;  // of all taps, in the strip or in x
  const PhaseLine* lines;
  const T* packed;
  bool ends;                // tiles form the epilogue,
  const Correlation& rest;  // and this is what is left
};

// Where a block lies: samples [n, n + samples), phase positions from (d, i, j) on.
struct MapsBlock {
  std::int64_t n, samples, group, d, i, j, rows, columns;
};

// The block's x: [sample][channel][position], and how a sum's positions lie.
template <class T>
struct MapsSource {
  const T* x;
  std::int64_t sample, channel, pitch;  // steps; of a row of positions too
  std::int64_t positions;               // of a sample
  bool ends;                            // no element behind the last position may be read
};

// The sums of `count` outputs from channel `output` on: [slot of the phase][output][sample][position].
template <class T>
STRETTO_INLINE void sum_maps(const MapsRun<T>& run, const MapsSource<T>& source, std::int64_t samples,
                             const T* w, std::int64_t output, std::int64_t count, T* sums, std::int64_t map) {
  constexpr std::int64_t lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  PhaseTile<T> tile;
  tile.channel_pitch = source.channel;
  tile.out_row = samples * map;
  const Epilogue& e = *c.epilogue;
  if (run.ends) tile.clamp = Clamp<T>(e.activation);
  for (std::int64_t k = 0; k < run.classes.count(); ++k) {
    const Phase& phase = run.classes.at(run.classes.begin(k));
    tile.taps = phase.tap_count;
    tile.offset = run.offset + (phase.taps - c.taps);
    for_each_tile_of_sums(run.classes.size(k) * count, [&](std::int64_t first, std::int64_t height) {
      T* const out = sums + (run.classes.begin(k) * count + first) * tile.out_row;
      if (run.ends)
        for (std::int64_t r = 0; r < height; ++r)
          tile.bias[r] = ChannelTerms<T>(e, output + (first + r) % count).bias;
      const std::int64_t most = source.ends ? source.positions / lanes : divide_up(source.positions, lanes);
      const std::int64_t vectors = divide_up(source.positions, lanes),
                         tiles = divide_up(vectors, least(most, kMostMapVectors[height]));
      for (std::int64_t c0 = 0; c0 < c.inputs; c0 += c.segment_channels) {
        tile.channels = least(c.segment_channels, c.inputs - c0);
        tile.first_segment = c0 == 0;
        tile.ends = run.ends && c0 + tile.channels == c.inputs;
        tile.w = w + c0 * tile.taps * height;
        for (std::int64_t s = 0; s < samples; ++s)
          for (std::int64_t i = 0, done = 0; i < tiles; ++i) {
            const std::int64_t width = vectors * (i + 1) / tiles - done;
            std::int64_t at = done * lanes;
            done += width;
            if (source.ends) at = least(at, source.positions - width * lanes);
            tile.x = source.x + s * source.sample + c0 * source.channel + at;
            tile.out = out + s * map + at;
            phase_tile_of_sums<T>(int(height), int(width))(tile);
          }
      }
      w += height * c.inputs * tile.taps;
    });
  }
}

// Row by row to the result, with the epilogue. `woven` has room for a channel of the block, if needed.
template <class From, class T, class Out>
STRETTO_INLINE void weave_maps(const MapsRun<T>& run, const MapsBlock& block, const MapsSource<T>& source,
                               const T* w, const T* sums, std::int64_t map, std::int64_t first,
                               std::int64_t count, T* woven) {
  const std::int64_t *step = run.args.stride, *size = run.args.out.shape.at + 2;
  const Phases& phases = run.phases;
  const std::int64_t h0 = block.i * step[1], w0 = block.j * step[2];
  const std::int64_t rows = least(size[1] - h0, block.rows * step[1]),
                     columns = least(size[2] - w0, block.columns * step[2]);
  const std::int64_t in_depth = phases.count(1) * phases.count(2);  // phases
  const Scratch pointers(in_depth * std::int64_t(sizeof(T*)));
  const T** const lines = pointers.as<const T*>();
  const ArrayView& out = run.c.out;
  for (std::int64_t s = 0; s < block.samples; ++s)
    for (std::int64_t a = 0; a < phases.count(0) && block.d * step[0] + a < size[0]; ++a)
      for (std::int64_t o = 0; o < count; ++o) {
        const std::int64_t n = block.n + s, d = block.d * step[0] + a;
        T* to = woven;
        std::int64_t to_row = columns;
        if constexpr (is_same<T, Out>) {
          if (!woven) {
            to = out.as<T>() + n * out.strides.at[0] +
                 (block.group * run.c.outputs + first + o) * out.strides.at[1] + d * out.strides.at[2] +
                 h0 * out.strides.at[3] + w0;
            to_row = out.strides.at[3];
          }
        }
        for (std::int64_t i = 0; i < in_depth; ++i)
          lines[i] = sums + ((run.classes.slot(a * in_depth + i) * count + o) * block.samples + s) * map;
        const WovenRows<T> to_weave{
            lines, phases.count(1), phases.count(2), step[2], rows, columns, source.pitch, to, to_row};
        if (!run.plan.weaves)
          weave_rows<T>(to_weave);
        else if (step[2] == 2)
          weave_phase_rows<T, 2>(to_weave, run.lines + a * in_depth, w, source.x + s * source.sample);
        else
          weave_phase_rows<T, 4>(to_weave, run.lines + a * in_depth, w, source.x + s * source.sample);
        finish_block<From, T, Out>(run.rest, woven, {0, columns, 1}, n, block.group, d, h0, w0, first + o, 1,
                                   rows, columns);
      }
}

// Chunks [begin, end) of output channels.
template <class From, class T, class Out>
[[gnu::noinline]] void run_maps_block(const MapsRun<T>& run, const MapsBlock& block, std::int64_t begin,
                                      std::int64_t end) {
  constexpr std::int64_t lanes = Vec<T>::lanes;
  const Correlation& c = run.c;
  const std::int64_t size = run.plan.reads_x ? 0 : c.inputs * run.strip.channel_pitch();
  const Dims& step = c.x.strides;
  const From* const x = c.x.as<From>() + block.n * step.at[0] + block.group * c.inputs * step.at[1];
  // A tile may run past the last element of the strip.
  const Scratch strip((block.samples * size + 8 * lanes) * std::int64_t(sizeof(T)));
  MapsSource<T> source{strip.as<T>(), size, run.strip.channel_pitch(), run.strip.row_pitch(), 0, false};
  if (run.plan.reads_x)
    source = {reinterpret_cast<const T*>(x) + block.d * step.at[2] + block.i * step.at[3],
              step.at[0],
              step.at[1],
              block.columns,
              0,
              true};
  else
    for (std::int64_t s = 0; s < block.samples && c.tap_count > 0; ++s)
      fill_strip<From, T>(c, run.strip, x + s * step.at[0], c.inputs, block.d, block.i, block.j,
                          strip.as<T>() + s * size);
  source.positions = (block.rows - 1) * source.pitch + block.columns;
  const std::int64_t map = ((divide_up(source.positions, lanes) + 1) | 1) * lanes;
  const std::int64_t taps = c.tap_count;
  const bool direct = is_same<T, Out> && c.out.strides.at[4] == 1;
  const std::int64_t woven_size = block.rows * run.args.stride[1] * block.columns * run.args.stride[2];
  const Scratch woven(direct ? 0 : woven_size * std::int64_t(sizeof(T)));
  const Scratch sums(run.plan.weaves ? 0
                                     : (kTileOutputs * run.phases.count() * block.samples * map + lanes) *
                                           std::int64_t(sizeof(T)));
  for (std::int64_t chunk = begin; chunk < end; ++chunk) {
    const std::int64_t first = chunk * kTileOutputs, count = least(kTileOutputs, c.outputs - first);
    const T* const w = run.packed + (block.group * c.outputs + first) * c.inputs * taps;
    if (!run.plan.weaves)
      sum_maps(run, source, block.samples, w, block.group * c.outputs + first, count, sums.as<T>(), map);
    weave_maps<From, T, Out>(run, block, source, w, sums.as<T>(), map, first, count,
                             direct ? nullptr : woven.as<T>());
  }
}

template <class From, class T, class Out>
void run_maps(const ConvTransposeArgs& args, const Phases& phases, const T* packed, int threads) {
  const PhaseClasses classes(phases);
  const Correlation c = all_phases(args, phases);
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  const MapsPlan plan = plan_maps<From, T>(c, phases, threads, room.as<std::int64_t>());
  StripPlan strip;
  strip.plan(c, plan.rows, plan.columns, StripRuns::by_phase, plan.column_runs, room.as<std::int64_t>());
  const Scratch offsets(c.tap_count * std::int64_t(sizeof(std::int64_t)));
  for (int t = 0; t < c.tap_count; ++t)
    offsets.as<std::int64_t>()[t] = plan.reads_x ? offset_in_x(c, c.taps[t]) : strip.offset(c.taps[t]);
  const Scratch lines(phases.count() * std::int64_t(sizeof(PhaseLine)));
  if (plan.weaves)
    find_phase_lines(classes, phases.count(), c.taps, offsets.as<std::int64_t>(), lines.as<PhaseLine>());
  const bool ends =
      is_same<From, T> && is_same<T, Out> && !plan.weaves && c.inputs > 0 && ends_in_tiles<T>(*c.epilogue);
  const Correlation rest = ends ? without_epilogue(c) : c;
  const MapsRun<T> run{
      args,   phases, classes, c, plan, strip, offsets.as<std::int64_t>(), lines.as<PhaseLine>(),
      packed, ends,   rest};

  const Phase& most = phases[0];
  const std::int64_t depth = most.size[0], samples = args.out.shape.at[0];
  const std::int64_t tasks =
      plan.sample_blocks * c.groups * depth * plan.row_blocks * plan.column_blocks * plan.splits;
  const double products = double(samples * c.groups * depth * most.size[1] * most.size[2]) *
                          double(c.outputs * c.inputs * c.tap_count);
  share_tasks(tasks, products, kLeastMapProducts, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t i = task;
      const auto next = [&](std::int64_t count) {
        const std::int64_t index = i % count;
        i /= count;
        return index;
      };
      const std::int64_t split = next(plan.splits), column = next(plan.column_blocks) * plan.columns,
                         row = next(plan.row_blocks) * plan.rows, d = next(depth), group = next(c.groups),
                         n = i * plan.samples;
      const MapsBlock block{n,
                            least(plan.samples, samples - n),
                            group,
                            d,
                            row,
                            column,
                            least(plan.rows, most.size[1] - row),
                            least(plan.columns, most.size[2] - column)};
      run_maps_block<From, T, Out>(run, block, plan.chunks * split / plan.splits,
                                   plan.chunks * (split + 1) / plan.splits);
    }
  });
}

}  // namespace stretto::STRETTO_ISA
