// Convolution on AMX: rows of a register are places of the result that lie one behind the other in the strip,
// those between two rows of the result among them; columns are channels of the result.
#pragma once

#include "kernels/conv/amx_weights.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/shares.h"
#include "kernels/segment.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kAmxStripBytes = 1 << 20;      // of a block: half of the second cache
inline constexpr std::int64_t kAmxPlaces = 2048;             // of a block
inline constexpr std::int64_t kAmxSliceBytes = 256 << 10;    // of weights that all places meet
inline constexpr std::int64_t kAmxStayingBytes = 512 << 10;  // of all panels, which need not be fetched ahead
inline constexpr std::int64_t kAmxTurned = 128;              // places whose sums are turned round at a time
inline constexpr double kAmxLeastProducts = 4e6;             // of what a thread claims at once

// How a problem is cut. Nothing here changes a bit of the result.
struct AmxPlan {
  std::int64_t samples = 1, rows = 1, columns = 1;  // of a block
  std::int64_t sample_blocks = 1, row_blocks = 1, column_blocks = 1;
  std::int64_t panels = 1, output_splits = 1;  // of 32 outputs; of the panels among tasks

  STRETTO_INLINE std::int64_t tasks(const Correlation& c) const {
    return sample_blocks * c.groups * c.out.shape[2] * row_blocks * column_blocks * output_splits;
  }
};

template <int parts>
AmxPlan plan_amx(const Correlation& c, int threads, std::int64_t* room) {
  const std::int64_t n = c.out.shape[0], oh = c.out.shape[3], ow = c.out.shape[4];
  const auto bytes = [&](std::int64_t rows, std::int64_t columns) {
    StripPlan strip;
    strip.plan(c, rows, columns, StripRuns::smaller, StripRuns::smaller, room);
    return AmxSteps(c).of_tap * parts * strip.channel_pitch() * kAmxBytes;
  };
  AmxPlan plan;
  plan.panels = divide_up(c.outputs, kAmxTile);
  plan.columns = ow;
  while (plan.columns > kAmxTile && (plan.columns > kAmxPlaces || bytes(1, plan.columns) > kAmxStripBytes))
    plan.columns = divide_up(divide_up(plan.columns, 2), kAmxTile) * kAmxTile;
  plan.column_blocks = divide_up(ow, plan.columns);
  if (plan.column_blocks == 1) {
    while (plan.rows < oh && (plan.rows + 1) * ow <= kAmxPlaces && bytes(plan.rows + 1, ow) <= kAmxStripBytes)
      ++plan.rows;
    const std::int64_t least_blocks = least(divide_up(threads, n * c.out.shape[2]), divide_up(oh * ow, 256));
    plan.rows = divide_up(oh, greatest(divide_up(oh, plan.rows), least_blocks));
  }
  plan.row_blocks = divide_up(oh, plan.rows);
  if (plan.row_blocks * plan.column_blocks == 1) {
    const std::int64_t most = greatest(1, least(kAmxStripBytes / bytes(oh, ow), kAmxPlaces / (oh * ow)));
    plan.samples = least(most, divide_up(n, threads));
    plan.samples = divide_up(n, divide_up(n, plan.samples));
  }
  plan.sample_blocks = divide_up(n, plan.samples);
  const std::int64_t tasks = plan.tasks(c);
  if (tasks < 4 * threads && tasks % threads != 0) plan.output_splits = least(plan.panels, threads);
  return plan;
}

// Tiles of up to 32 places x 32 outputs.
struct AmxConvTile {
  const AmxRow* strip;         // place 0
  const std::int64_t* offset;  // of each step in the strip
  std::int64_t steps, part_step;
  const char* w;
  float* sums;  // [place][32]
  bool starts;
  const char* fetch;  // of the weights that come next
  std::int64_t fetch_step;
};

template <class Products, int parts, bool tall, bool wide>
[[gnu::noinline]] void amx_conv_tile(const AmxConvTile& t) {
  constexpr std::int64_t row = kAmxTile * 4;
  if (t.starts)
    amx_zero_sums<tall, wide>();
  else
    amx_load_sums<tall, wide>(t.sums, row);
  const char *w = t.w, *fetch = t.fetch;
  const std::int64_t part_step = t.part_step * kAmxBytes;
  for (std::int64_t s = 0; s < t.steps; ++s, w += AmxWeights<parts>::kStep, fetch += t.fetch_step) {
    amx_products<Products, tall, wide>({reinterpret_cast<const char*>(t.strip + t.offset[s]), w, part_step});
    for (std::int64_t at = 0; at < t.fetch_step; at += 64) __builtin_prefetch(fetch + at, 0, 2);
  }
  amx_store_sums<tall, wide>(t.sums, row);
}

template <class Products, int parts>
STRETTO_INLINE auto amx_conv_tile_of(bool tall, bool wide) {
  return tall   ? (wide ? amx_conv_tile<Products, parts, true, true>
                        : amx_conv_tile<Products, parts, true, false>)
         : wide ? amx_conv_tile<Products, parts, false, true>
                : amx_conv_tile<Products, parts, false, false>;
}

// Everything that the blocks of one call share.
template <class From, class Out, int parts>
struct AmxConvRun {
  const Correlation& c;
  const AmxPlan& plan;
  const StripPlan& strip;
  const AmxWeights<parts> weights;
  const std::int64_t* offset;

  static constexpr std::int64_t kSegmentSteps = kSegment / kAmxDepth;

  // Samples [n0, n1), outputs [ow, ow + columns) of rows [oh, oh + rows), panels [first, last).
  [[gnu::noinline]] void block(std::int64_t n0, std::int64_t n1, std::int64_t group, std::int64_t od,
                               std::int64_t oh, std::int64_t ow, std::int64_t first,
                               std::int64_t last) const {
    const std::int64_t rows = least(plan.rows, c.out.shape[3] - oh),
                       columns = least(plan.columns, c.out.shape[4] - ow), samples = n1 - n0,
                       sample_size = AmxSteps(c).of_tap * parts * strip.channel_pitch();
    const std::int64_t places = (rows - 1) * strip.row_pitch() + columns,
                       sums_size = divide_up(places, kAmxTile) * kAmxTile * kAmxTile;
    const bool one_segment = AmxSteps(c).count <= kSegmentSteps;
    // The last places read on behind their rows.
    const Scratch strips((samples * sample_size + kAmxTile) * kAmxBytes);
    const Scratch memory((one_segment ? 1 : 2) * samples * sums_size * 4);
    for (std::int64_t i = 0; i < samples; ++i)
      fill_amx_strip<From, parts>(
          c, strip, c.x.as<From>() + (n0 + i) * c.x.strides[0] + group * c.channels * c.x.strides[1], od, oh,
          ow, strips.as<AmxRow>() + i * sample_size);
    const Places all{strips.as<AmxRow>(), samples, sample_size, places};
    const bool stays = (last - first) * weights.panel_step <= kAmxStayingBytes;
    for (std::int64_t panel = first; panel < last; ++panel) {
      poll_interrupt();
      const std::int64_t outputs = least(kAmxTile, c.outputs - panel * kAmxTile);
      const char* const w = weights.data + group * weights.group_step + panel * weights.panel_step;
      float* const totals = memory.as<float>();
      for (std::int64_t s = 0; s < AmxSteps(c).count; s += kSegmentSteps) {
        float* const sums = s == 0 ? totals : totals + samples * sums_size;
        sum_segment(w, s, outputs, all, !stays, sums);
        if (s > 0) add(totals, sums, samples * sums_size);
      }
      for (std::int64_t i = 0; i < samples; ++i)
        finish(totals + i * sums_size, n0 + i, group, od, oh, ow, panel * kAmxTile, outputs, rows, columns);
    }
  }

 private:
  using Products = PairProducts<parts>;

  // Of some samples, which lie `step` apart in the strips.
  struct Places {
    const AmxRow* strip;  // place 0
    std::int64_t samples, step, count;
  };

  // The segment from step s0 on, in slices of the weights, which come from the second cache for all places
  // but the first; `fetches` the next one meanwhile.
  STRETTO_INLINE void sum_segment(const char* w, std::int64_t s0, std::int64_t outputs, const Places& places,
                                  bool fetches, float* sums) const {
    [[maybe_unused]] const AmxSession session;
    constexpr std::int64_t most = kAmxSliceBytes / AmxWeights<parts>::kStep;
    const std::int64_t s1 = least(AmxSteps(c).count, s0 + kSegmentSteps),
                       slice = divide_up(s1 - s0, divide_up(s1 - s0, most)),
                       tiles = places.samples * divide_up(places.count, kAmxTile);
    AmxConvTile tile;
    tile.part_step = strip.channel_pitch();
    for (std::int64_t s = s0; s < s1; s += slice) {
      tile.w = w + s * AmxWeights<parts>::kStep;
      tile.offset = offset + s;
      tile.steps = least(slice, s1 - s);
      tile.starts = s == s0;
      tile.fetch = tile.w + tile.steps * AmxWeights<parts>::kStep;
      tile.fetch_step = fetches ? divide_up(AmxWeights<parts>::kStep, tiles * 64) * 64 : 0;
      tile.sums = sums;
      for (std::int64_t i = 0; i < places.samples; ++i)
        for (std::int64_t place = 0; place < places.count; place += kAmxTile) {
          tile.strip = places.strip + i * places.step + place;
          amx_conv_tile_of<Products, parts>(places.count - place > kAmxRows, outputs > kAmxRows)(tile);
          tile.sums += kAmxTile * kAmxTile;
          tile.fetch += tile.fetch_step * tile.steps;
        }
    }
  }

  // Where the result's rows lie along its places, a few of them at a time are turned round first.
  STRETTO_INLINE void finish(const float* sums, std::int64_t n, std::int64_t group, std::int64_t od,
                             std::int64_t oh, std::int64_t ow, std::int64_t channel, std::int64_t outputs,
                             std::int64_t rows, std::int64_t columns) const {
    const std::int64_t pitch = strip.row_pitch();
    if (c.out.strides[1] == 1)
      return finish_block<From, float, Out>(c, sums, {1, pitch * kAmxTile, kAmxTile}, n, group, od, oh, ow,
                                            channel, outputs, rows, columns);
    const std::int64_t together = greatest(1, kAmxTurned / pitch);
    // Rows a power of two apart would meet in few sets of the first cache.
    const std::int64_t most = divide_up(least(together, rows) * pitch, kAmxRows) * kAmxRows,
                       step = most + kAmxRows;
    const Scratch memory(kAmxTile * step * 4);
    float* const turned = memory.as<float>();
    for (std::int64_t r = 0; r < rows; r += together) {
      const std::int64_t count = least(together, rows - r);
      turn(sums + r * pitch * kAmxTile, kAmxTile, (count - 1) * pitch + columns, kAmxTile, turned, step);
      finish_block<From, float, Out>(c, turned, {step, pitch, 1}, n, group, od, oh + r, ow, channel, outputs,
                                     count, columns);
    }
  }

  [[gnu::noinline]] static void add(float* totals, const float* sums, std::int64_t count) {
    using V = Vec<float>;
    for (std::int64_t i = 0; i < count; i += V::lanes)
      (V::load(totals + i) + V::load(sums + i)).store(totals + i);
  }
};

// Its weights must be packed.
template <class From, class Out, int parts>
void run_amx(const Correlation& c, int threads) {
  const double products = products_of(c);
  const int sharing = sharing_threads(products, kAmxLeastProducts, threads);
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  const AmxPlan plan = plan_amx<parts>(c, sharing, room.as<std::int64_t>());
  StripPlan strip;
  strip.plan(c, plan.rows, plan.columns, StripRuns::smaller, StripRuns::smaller, room.as<std::int64_t>());
  const AmxSteps steps(c);
  const Scratch offsets(steps.count * std::int64_t(sizeof(std::int64_t)));
  for (std::int64_t s = 0; s < steps.count; ++s)
    offsets.as<std::int64_t>()[s] =
        s % steps.of_tap * parts * strip.channel_pitch() + strip.offset(c.taps[s / steps.of_tap]);
  const AmxConvRun<From, Out, parts> run{c, plan, strip, AmxWeights<parts>(c, c.packed),
                                         offsets.as<std::int64_t>()};
  const std::int64_t panels = divide_up(plan.panels, plan.output_splits);
  share_tasks(plan.tasks(c), products, kAmxLeastProducts, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      std::int64_t i = task;
      const auto next = [&](std::int64_t count) {
        const std::int64_t at = i % count;
        i /= count;
        return at;
      };
      const std::int64_t first = next(plan.output_splits) * panels, last = least(plan.panels, first + panels),
                         column = next(plan.column_blocks), row = next(plan.row_blocks),
                         od = next(c.out.shape[2]), group = next(c.groups), n0 = i * plan.samples;
      if (first < last)
        run.block(n0, least(c.out.shape[0], n0 + plan.samples), group, od, row * plan.rows,
                  column * plan.columns, first, last);
    }
  });
}

}  // namespace stretto::STRETTO_ISA
