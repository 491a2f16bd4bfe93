// The order of a bfloat16 convolution's terms: k = (tap, input channel), in blocks of 32 terms of an even and
// an odd chain. From 32 channels on each tap is a run of blocks of its own, otherwise all terms are one run;
// the last block of a run is padded with zeros.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "kernels/segment.h"
#include "kernels/tile/flush.h"

namespace stretto {

inline constexpr int kSegmentBlocks = kSegment / kPairTerms;

// The blocks of a call are laid out in a table; more than these are the reference's.
inline constexpr std::int64_t kMostPairBlocks = 2048;

struct PairOrder {
  std::int64_t inputs, run, runs, run_blocks;

  STRETTO_INLINE PairOrder(std::int64_t inputs, std::int64_t taps)
      : inputs(inputs),
        run(inputs >= kPairTerms ? inputs : inputs * taps),
        runs(inputs >= kPairTerms ? taps : 1),
        run_blocks((run + kPairTerms - 1) / kPairTerms) {}

  STRETTO_INLINE std::int64_t blocks() const { return runs * run_blocks; }
  // The first term of a block, and how many it has.
  STRETTO_INLINE std::int64_t first(std::int64_t block) const {
    return block / run_blocks * run + block % run_blocks * kPairTerms;
  }
  STRETTO_INLINE std::int64_t terms(std::int64_t block) const {
    const std::int64_t left = run - block % run_blocks * kPairTerms;
    return left < kPairTerms ? left : kPairTerms;
  }
  // Where the term of a channel and a tap stands when each block's even terms come before its odd ones.
  STRETTO_INLINE std::int64_t place(std::int64_t channel, std::int64_t tap) const {
    const bool tap_is_run = inputs >= kPairTerms;
    const std::int64_t in_run = tap_is_run ? channel : tap * inputs + channel, i = in_run % kPairTerms;
    const std::int64_t block = in_run - i, left = run - block, terms = left < kPairTerms ? left : kPairTerms;
    return (tap_is_run ? tap * run : 0) + block + (i % 2 ? (terms + 1) / 2 : 0) + i / 2;
  }
};

// A block's terms, without its padding: offsets in the strip of the even chain's, then of the odd chain's.
struct PairBlock {
  std::int32_t even, odd;  // their numbers
  std::int32_t offset[kPairTerms];
};

}  // namespace stretto
