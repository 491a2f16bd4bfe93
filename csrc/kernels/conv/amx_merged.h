// Convolution of few input channels on AMX: the terms of all taps are one run, a step takes 32 of them. Rows
// of a register are channels of the result, columns are places of it that lie one behind the other.
#pragma once

#include "kernels/conv/amx_strip.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/shares.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kMergedPlaces = 256;    // of a block
inline constexpr double kMergedLeastProducts = 4e6;   // of what a thread claims at once
inline constexpr std::int64_t kMergedPad = kAmxTile;  // places that the last vectors and tiles read on

// Term t of a run is channel t % inputs of tap t / inputs.
struct MergedSteps {
  std::int64_t terms, count;
  STRETTO_INLINE explicit MergedSteps(const Correlation& c)
      : terms(c.inputs * c.tap_count), count(divide_up(terms, kAmxDepth)) {}
};

// [group][16 outputs][step][output][term]
struct MergedWeights {
  std::int64_t block_step, group_step;  // in bytes
  STRETTO_INLINE explicit MergedWeights(const Correlation& c)
      : block_step(MergedSteps(c).count * kAmxRegister),
        group_step(divide_up(c.outputs, kAmxTile) * 2 * block_step) {}
};

STRETTO_INLINE std::int64_t merged_weights_bytes(const Correlation& c) {
  return c.groups * MergedWeights(c).group_step;
}

inline void pack_merged_weights(const Correlation& c, void* packed) {
  const MergedWeights weights(c);
  const MergedSteps steps(c);
  std::memset(packed, 0, std::size_t(merged_weights_bytes(c)));
  for (std::int64_t group = 0; group < c.groups; ++group)
    for (std::int64_t o = 0; o < c.outputs; ++o) {
      const bfloat16* const w = static_cast<const bfloat16*>(c.w) + group * c.w_group + o * c.w_output;
      char* const to = static_cast<char*>(packed) + group * weights.group_step +
                       o / kAmxRows * weights.block_step + o % kAmxRows * kAmxBytes;
      for (std::int64_t t = 0; t < steps.terms; ++t)
        reinterpret_cast<bfloat16*>(to + t / kAmxDepth * kAmxRegister)[t % kAmxDepth] =
            w[c.taps[t / c.inputs].weight + t % c.inputs * c.w_input];
    }
}

// 32 places x up to 32 outputs.
template <bool tall, bool wide>
[[gnu::noinline]] void merged_tile(const char* w, std::int64_t block_step, const char* words,
                                   std::int64_t pitch, std::int64_t steps, float* sums) {
  amx_zero_sums<tall, wide>();
  for (std::int64_t s = 0; s < steps; ++s, w += kAmxRegister, words += kAmxRows * pitch)
    amx_products<PairProducts<1>, tall, wide>({w, words, 0, kAmxBytes, block_step, pitch});
  amx_store_sums<tall, wide>(sums, pitch);
}

// How a problem is cut into blocks of `rows` x `columns` places. Nothing here changes a bit of the result.
struct MergedPlan {
  std::int64_t rows, columns, row_blocks, column_blocks;
  explicit MergedPlan(const Correlation& c) {
    const std::int64_t oh = c.out.shape.at[3], ow = c.out.shape.at[4];
    column_blocks = divide_up(ow, kMergedPlaces);
    columns = least(ow, divide_up(divide_up(ow, column_blocks), kAmxTile) * kAmxTile);
    column_blocks = divide_up(ow, columns);
    row_blocks = column_blocks > 1 ? oh : divide_up(oh, kMergedPlaces / columns);
    rows = divide_up(oh, row_blocks);
    row_blocks = divide_up(oh, rows);
  }
};

template <class Out>
struct MergedRun {
  const Correlation& c;
  const MergedPlan& plan;
  const StripPlan& strip;
  const char* weights;
  const std::int64_t* offset;  // of each term in the strip

  // Rows [oh, oh + plan.rows) of outputs [ow, ow + plan.columns), as far as there are.
  [[gnu::noinline]] void block(std::int64_t n, std::int64_t group, std::int64_t od, std::int64_t oh,
                               std::int64_t ow) const {
    const std::int64_t rows = least(plan.rows, c.out.shape.at[3] - oh),
                       columns = least(plan.columns, c.out.shape.at[4] - ow), places = rows * columns,
                       pitch = divide_up(places, kAmxTile) * kAmxTile + kMergedPad,
                       steps = MergedSteps(c).count;
    const MergedWeights packed(c);
    const Scratch strips((c.inputs * strip.channel_pitch() + kMergedPad) * 4),
        words(steps * kAmxRows * pitch * 4), sums(2 * kAmxTile * pitch * 4);
    fill_strip<bfloat16, float>(
        c, strip, c.x.as<bfloat16>() + n * c.x.strides.at[0] + group * c.inputs * c.x.strides.at[1], c.inputs,
        od, oh, ow, strips.as<float>());
    fill_words(strips.as<float>(), rows, columns, words.as<float>(), pitch);
    for (std::int64_t o = 0; o < c.outputs; o += kAmxTile) {
      const std::int64_t outputs = least(kAmxTile, c.outputs - o);
      sum(weights + group * packed.group_step + o / kAmxRows * packed.block_step, outputs > kAmxRows, places,
          words.as<char>(), pitch, sums.as<float>());
      finish(sums.as<float>(), pitch, n, group, od, oh, ow, o, outputs, rows, columns);
    }
  }

 private:
  // words[pair of terms][place]
  STRETTO_INLINE void fill_words(const float* from, std::int64_t rows, std::int64_t columns, float* words,
                                 std::int64_t pitch) const {
    using V = Vec<float>;
    const MergedSteps steps(c);
    for (std::int64_t t = 0; t < steps.terms; t += 2, words += pitch) {
      const float *even = from + offset[t], *odd = t + 1 < steps.terms ? from + offset[t + 1] : nullptr;
      float* to = words;
      for (std::int64_t r = 0; r < rows; ++r, even += strip.row_pitch(), to += columns) {
        for (std::int64_t q = 0; q < columns; q += V::lanes) {
          Vec<float> pair[1];
          pair_words<1>(V::load(even + q), odd ? V::load(odd + q) : V::zero(), pair);
          pair[0].store(to + q);
        }
        if (odd) odd += strip.row_pitch();
      }
    }
    std::memset(words, 0,
                std::size_t(steps.count * kAmxRows - divide_up(steps.terms, 2)) * std::size_t(pitch) * 4);
  }

  STRETTO_INLINE void sum(const char* w, bool tall, std::int64_t places, const char* words,
                          std::int64_t pitch, float* sums) const {
    [[maybe_unused]] const AmxSession session;
    const std::int64_t block_step = MergedWeights(c).block_step, steps = MergedSteps(c).count;
    for (std::int64_t place = 0; place < places; place += kAmxTile) {
      const bool wide = places - place > kAmxRows;
      (tall   ? (wide ? merged_tile<true, true> : merged_tile<true, false>)
       : wide ? merged_tile<false, true>
              : merged_tile<false, false>)(w, block_step, words + place * 4, pitch * 4, steps, sums + place);
    }
  }

  // sums[output][place]
  STRETTO_INLINE void finish(float* sums, std::int64_t pitch, std::int64_t n, std::int64_t group,
                             std::int64_t od, std::int64_t oh, std::int64_t ow, std::int64_t o,
                             std::int64_t outputs, std::int64_t rows, std::int64_t columns) const {
    const BlockLayout by_channel{pitch, columns, 1}, by_place{1, columns * kAmxTile, kAmxTile};
    const bool turns = c.out.strides.at[1] == 1;
    float* const turned = sums + kAmxTile * pitch;
    if (turns) turn(sums, pitch, kAmxTile, rows * columns, turned, kAmxTile);
    finish_block<bfloat16, float, Out>(c, turns ? turned : sums, turns ? by_place : by_channel, n, group, od,
                                       oh, ow, o, outputs, rows, columns);
  }
};

// Its weights must be packed.
template <class Out>
void run_merged(const Correlation& c, int threads) {
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  const MergedPlan plan(c);
  StripPlan strip;
  strip.plan(c, plan.rows, plan.columns, StripRuns::smaller, StripRuns::smaller, room.as<std::int64_t>());
  const std::int64_t terms = MergedSteps(c).terms;
  const Scratch offsets(terms * std::int64_t(sizeof(std::int64_t)));
  for (std::int64_t t = 0; t < terms; ++t)
    offsets.as<std::int64_t>()[t] = t % c.inputs * strip.channel_pitch() + strip.offset(c.taps[t / c.inputs]);
  const MergedRun<Out> run{c, plan, strip, static_cast<const char*>(c.packed), offsets.as<std::int64_t>()};
  const std::int64_t blocks = plan.row_blocks * plan.column_blocks,
                     tasks = c.out.shape.at[0] * c.groups * c.out.shape.at[2] * blocks;
  share_tasks(
      tasks, products_of(c), kMergedLeastProducts, threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
          const std::int64_t block = task % blocks, of_depth = task / blocks,
                             od = of_depth % c.out.shape.at[2], of_group = of_depth / c.out.shape.at[2];
          run.block(of_group / c.groups, of_group % c.groups, od, block / plan.column_blocks * plan.rows,
                    block % plan.column_blocks * plan.columns);
        }
      });
}

}  // namespace stretto::STRETTO_ISA
