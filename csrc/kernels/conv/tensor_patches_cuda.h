// The factor of a convolution that is gathered from x, for tensor cores: x with its channels together,
// outside of which everything is +0. An element is at a pixel (sample and three counts in space) of the
// outputs, at a tap, in a channel; the position in x is linear in the counts.
//
//   convolution (along k):     lines are pixels, k counts (taps, pieces of channels)
//   weight gradient (across):  lines are the channels of (taps, pieces of channels), k counts pixels
#pragma once

#include "kernels/conv/patches_cuda.h"
#include "kernels/tile/tensor_factor_cuda.h"

namespace stretto {

// Where in x: all distances are multiples of 16 bytes.
struct PatchSpot {
  int pieces, position[3], bytes;  // bytes: of the piece there, less than one at an end of channels or none
};

// Four counts, of which three in space begin with `kFirst`.
template <int kFirst>
struct PatchWalk {
  FourCounts counts;
  int count;  // of all
  int pieces[4], position[3], first[3];
  int bytes, fewer;  // of the piece at 0 of the last count, and what every further one has less

  STRETTO_KERNEL PatchSpot at(int index) const {
    int n[4];
    counts.of(index, n);
    PatchSpot spot{0, {}, bytes - n[3] * fewer};
    for (int d = 0; d < 4; ++d) spot.pieces += n[d] * pieces[d];
    for (int d = 0; d < 3; ++d) spot.position[d] = first[d] + n[kFirst + d] * position[d];
    if (spot.bytes > kPieceBytes) spot.bytes = kPieceBytes;
    if (index >= count) spot.bytes = 0;
    return spot;
  }
};
using PixelWalk = PatchWalk<1>;
using TapWalk = PatchWalk<0>;

template <bool kAlongK>
struct PatchFactor {
  static constexpr Neighbours kNeighbours = kAlongK ? Neighbours::along_k : Neighbours::across_k;

  const char* data;    // where the first tap of the first pixel is
  const char* inside;  // some 16 bytes of x
  PixelWalk pixels;
  TapWalk taps;
  int size[3];  // of x in space
  int element_bytes;

  template <int kCount, int kStep>
  struct Lines {
    const char* matrix;
    PatchSpot spots[kAlongK ? kCount : 1];
  };
  STRETTO_KERNEL static constexpr bool along_k() { return kAlongK; }
  template <int kCount, int kStep>
  STRETTO_KERNEL Lines<kCount, kStep> lines(std::int64_t start, int i) const {
    Lines<kCount, kStep> result{data + start * element_bytes, {}};
#pragma unroll
    for (int n = 0; n < (kAlongK ? kCount : 1); ++n)
      result.spots[n] = kAlongK ? pixels.at(i + n * kStep) : taps.at(i / 8);
    return result;
  }
  STRETTO_KERNEL PatchSpot term(int k) const { return kAlongK ? taps.at(k) : pixels.at(k); }
  template <int kCount, int kStep>
  STRETTO_KERNEL TensorPiece piece(const Lines<kCount, kStep>& lines, int n, const PatchSpot& term) const {
    const PatchSpot& line = lines.spots[n];
    int bytes = line.bytes < term.bytes ? line.bytes : term.bytes;
    for (int d = 0; d < 3; ++d)
      if (std::uint32_t(line.position[d] + term.position[d]) >= std::uint32_t(size[d])) bytes = 0;
    const char* const from = lines.matrix + std::int64_t(line.pieces + term.pieces) * kPieceBytes;
    return {bytes > 0 ? from : inside, bytes > 0 ? bytes : 0};
  }
};

// Of padded channels there are sums too, which go nowhere.
struct GradientResults : PatchResults {
  int channels;

  STRETTO_INLINE void store(std::uint32_t batch, int i, int j, float z) const {
    int count[4];
    counts.of(j, count);
    if (count[3] < channels) PatchResults::store(batch, i, j, z);
  }
};

}  // namespace stretto
