// What a thread brings of a factor's tile into shared memory, in every step of k.
//
//   struct Lines {
//     static constexpr int kBytes;  // of k in a step
//     // Where a piece lies, in bytes: k counts pieces, or, across k, elements.
//     template <int kTile> static int spot(bool along_k, int line, int k);
//   };
#pragma once

#include "kernels/tile/tensor_factor_cuda.h"

namespace stretto {

// Of a few lines one piece each, or of eight lines a few.
template <class Lines, int kTile, int kThreads, class Factor>
struct TensorShare {
  static constexpr int kAcross = kTile / 8, kAlong = Lines::kBytes / kPieceBytes;
  static constexpr int kEach = kTile * kAlong / kThreads;
  static_assert(kEach * kThreads == kTile * kAlong && kThreads % kAcross == 0 && kThreads % kAlong == 0);

  typename Factor::template Lines<kEach, kThreads / kAlong> lines;

  STRETTO_KERNEL TensorShare(const Block& block, const Factor& factor, std::int64_t start, int first)
      : lines(factor.template lines<kEach, kThreads / kAlong>(
            start, first + (factor.along_k() ? line_of(block, 0) : lines_of(block)))) {}

  STRETTO_KERNEL void bring(const Block& block, char* stage, const Factor& factor, int step) const {
    if (factor.along_k()) {
      const int k = block.thread() % kAlong;
      const auto term = factor.term(step * kAlong + k);
#pragma unroll
      for (int p = 0; p < kEach; ++p)
        copy(block, stage + Lines::template spot<kTile>(true, line_of(block, p), k),
             factor.piece(lines, p, term));
    } else {
#pragma unroll
      for (int p = 0; p < kEach; ++p) {
        const int k = (block.thread() + p * kThreads) / kAcross;
        copy(block, stage + Lines::template spot<kTile>(false, lines_of(block), k),
             factor.piece(lines, 0, factor.term(step * (Lines::kBytes / 2) + k)));
      }
    }
  }

 private:
  STRETTO_KERNEL static int line_of(const Block& block, int p) {
    return (block.thread() + p * kThreads) / kAlong;
  }
  STRETTO_KERNEL static int lines_of(const Block& block) { return block.thread() % kAcross * 8; }
  STRETTO_KERNEL static void copy(const Block& block, char* to, const TensorPiece& piece) {
    block.copy_piece(to, piece.from, piece.bytes);
  }
};

}  // namespace stretto
