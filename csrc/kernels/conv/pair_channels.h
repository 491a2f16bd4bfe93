// The channels kernel for bfloat16. The strip holds the block's input widened, so that a step broadcasts an
// element of it as the float32 kernel does; the order of the terms is a table of offsets in the strip.
#pragma once

#include "kernels/conv/block_cut.h"
#include "kernels/conv/channels_weights.h"
#include "kernels/conv/finish_block.h"
#include "kernels/conv/pair_channels_tile.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kStretchBlocks = 256 / kPairTerms;

// Everything that the blocks of one call share.
template <class Out>
struct PairChannelsRun {
  const Correlation& c;
  const ChannelsPlan& plan;
  const float* packed;
  const StripPlan& strip;
  const PairOrder& order;
  const PairBlock* blocks;
};

// One block of outputs [ow, ow + columns) of rows [oh, oh + rows), output panels [first_panel, last_panel).
template <class Out>
[[gnu::noinline]] void run_pair_block(const PairChannelsRun<Out>& run, std::int64_t n, std::int64_t group,
                                      std::int64_t od, std::int64_t oh, std::int64_t ow,
                                      std::int64_t first_panel, std::int64_t last_panel) {
  constexpr int lanes = Vec<float>::lanes;
  const Correlation& c = run.c;
  const bool direct = is_same<Out, float> && (c.out.strides.at[1] == 1 || c.out.strides.at[4] == 1);
  const BlockCut cut(c, run.plan, oh, ow);
  const std::int64_t terms = c.inputs * c.tap_count, blocks = run.order.blocks();
  const std::int64_t tile_size = run.plan.vectors * lanes * cut.width,
                     sums_size = cut.lines * cut.tiles * tile_size;
  const bool one_segment = blocks <= kSegmentBlocks;
  const Scratch strip(c.inputs * run.strip.channel_pitch() * std::int64_t(sizeof(float)));
  const Scratch sums((one_segment ? 1 : 2) * sums_size * std::int64_t(sizeof(float)));
  const Scratch result(direct ? 0 : result_size<float>(cut) * std::int64_t(sizeof(float)));
  const BlockLayout layout = result_layout<float>(c, cut);
  const bfloat16* x = c.x.as<bfloat16>() + n * c.x.strides.at[0] + group * c.inputs * c.x.strides.at[1];
  fill_strip<bfloat16, float>(c, run.strip, x, c.inputs, od, oh, ow, strip.as<float>());

  Out* const out = c.out.as<Out>() + n * c.out.strides.at[0] + group * c.outputs * c.out.strides.at[1] +
                   od * c.out.strides.at[2] + oh * c.out.strides.at[3] + ow * c.out.strides.at[4];
  for (std::int64_t panel = first_panel; panel < last_panel; panel += run.plan.vectors) {
    poll_interrupt();
    const int vectors = int(least(run.plan.vectors, last_panel - panel));
    const float* const w = run.packed + (group * run.plan.panels + panel) * terms * lanes;
    PairChannelsTile tile;
    tile.panel_pitch = terms * lanes;
    tile.place.outputs = int(least(vectors * lanes, c.outputs - panel * lanes));
    tile.place.out_channel = direct ? c.out.strides.at[1] : layout.channel;
    tile.place.out_pixel = direct ? c.out.strides.at[4] : layout.column;
    const std::int64_t target_row = direct ? c.out.strides.at[3] : layout.row;
    float* const target = direct ? reinterpret_cast<float*>(out) + panel * lanes * c.out.strides.at[1]
                                 : result.template as<float>();
    // f(functions) on each tile.
    const auto for_each = [&](auto&& f) {
      cut.for_each_tile([&](std::int64_t index, std::int64_t line, std::int64_t first, int outputs) {
        tile.strip = strip.as<float>() + line * run.strip.row_pitch() + first;
        tile.sums = sums.as<float>() + index * tile_size;
        tile.totals = one_segment ? tile.sums : tile.sums + sums_size;
        tile.place.out = target + line * target_row + first * tile.place.out_pixel;
        f(pair_tile_of(vectors, outputs));
      });
    };
    std::int64_t b = 0;
    do {
      tile.block_count = least(kStretchBlocks, blocks - b);
      tile.blocks = run.blocks + b;
      tile.starts = b % kSegmentBlocks == 0;
      tile.finishes = one_segment && b + tile.block_count == blocks;
      tile.w = b < blocks ? w + run.order.first(b) * lanes : w;
      {
        [[maybe_unused]] const FlushToZero flush_to_zero;
        for_each([&](const PairTileFunctions& functions) { functions.run(tile); });
      }
      b += tile.block_count;
      if (!one_segment && (b == blocks || b % kSegmentBlocks == 0))
        for_each([&](const PairTileFunctions& functions) {
          functions.add_segment(tile, b <= kSegmentBlocks, b == blocks);
        });
    } while (b < blocks);
    finish_block<bfloat16, float, Out>(c, direct ? nullptr : target, layout, n, group, od, oh, ow,
                                       panel * lanes, tile.place.outputs, cut.rows, cut.columns);
  }
}

template <class Out>
void run_pair_channels(const Correlation& c, int threads) {
  const Scratch packing(c.packed ? 0 : channels_packed_size<float>(c) * std::int64_t(sizeof(float)));
  if (!c.packed) pack_channels<bfloat16, float>(c, packing.as<float>(), threads);
  const Scratch room(StripPlan::room_for(c) * std::int64_t(sizeof(std::int64_t)));
  StripPlan strip;
  strip.measure(c, room.as<std::int64_t>());
  const ChannelsPlan plan = plan_channels<bfloat16, float>(c, threads, true, strip);
  const PairOrder order(c.inputs, c.tap_count);
  const Scratch blocks(order.blocks() * std::int64_t(sizeof(PairBlock)));
  fill_pair_blocks(c, order, strip, blocks.as<PairBlock>());
  const float* packed = c.packed ? static_cast<const float*>(c.packed) : packing.as<float>();
  const PairChannelsRun<Out> run{c, plan, packed, strip, order, blocks.as<PairBlock>()};
  for_each_block(c, plan, threads, [&](auto... at) { run_pair_block(run, at...); });
}

}  // namespace stretto::STRETTO_ISA
