// Sums of products on tensor cores: float16 and bfloat16 factors, or float32 ones rounded to TF32, with
// float32 accumulators. A tile of outputs a block, k increasing, whatever the tile: an output's bits depend
// on its factors alone, though not on these as the contract says (docs/numerics.md).
//
// A warp multiplies 16 x 32 bytes of a by 32 bytes x 8 of b at a time. Tiles come through shared memory by
// asynchronous copies of 16 bytes, three stages deep.
#pragma once

#include "cuda/divide.h"
#include "cuda/launch.h"

namespace stretto {

// The lines of a factor, rows of a or columns of b: each has k elements. Elements that lie together are those
// of a line (along_k) or, of 16-bit floats only, those of neighbouring lines. Everything else is a multiple
// of 16 bytes.
struct TensorFactor {
  const char* data;
  std::int64_t line_bytes, k_bytes;  // from one to the next
  bool along_k;
};

template <int kTileM, int kTileN, class Finish>
struct TensorTile {
  static constexpr int kWarpsM = 2, kWarpsN = kTileN / 32, kThreads = 32 * kWarpsM * kWarpsN, kBlocks = 2;
  static constexpr int kWarpM = kTileM / kWarpsM, kWarpN = 32;
  static constexpr int kPiece = 16, kLine = 64, kStages = 3;  // bytes: of a copy, of a line in a stage
  static constexpr int kBlocksM = kWarpM / 16, kBlocksN = kWarpN / 8;

  struct Stage {
    alignas(128) char a[kTileM * kLine];
    alignas(128) char b[kTileN * kLine];
  };
  union Shared {
    Stage stages[kStages];
    float results[kWarpM][kTileN + 1];
  };

  TensorFactor a, b;
  TensorKind kind;
  int m, n, k;
  Finish finish;
  Divider tiles_m, tiles_n;

  STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const {
    std::uint32_t batch = std::uint32_t(block.index());
    const int first_i = int(tiles_m.split(batch)) * kTileM;
    const int first_j = int(tiles_n.split(batch)) * kTileN;
    const auto start = finish.start(batch);
    const TensorFactor rows{a.data + start.a * size(), a.line_bytes, a.k_bytes, a.along_k};
    const TensorFactor columns{b.data + start.b * size(), b.line_bytes, b.k_bytes, b.along_k};
    const int warp_i = block.thread() / 32 / kWarpsN * kWarpM,
              warp_j = block.thread() / 32 % kWarpsN * kWarpN;
    const int steps = (k * size() - 1) / kLine + 1;
    float acc[kBlocksM][kBlocksN][4] = {};

    const auto fetch = [&](int step) {
      if (step < steps) {
        Stage& stage = shared.stages[step % kStages];
        bring<kTileM>(block, stage.a, rows, first_i, m, step);
        bring<kTileN>(block, stage.b, columns, first_j, n, step);
      }
      block.commit_copies();  // also of none, so that all steps count alike
    };
#pragma unroll
    for (int step = 0; step < kStages - 1; ++step) fetch(step);
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
      block.template wait_for_copies<kStages - 2>();
      block.sync();
      fetch(step + kStages - 1);
      const Stage& stage = shared.stages[step % kStages];
#pragma unroll
      for (int half = 0; half < 2; ++half) multiply(block, acc, stage, half, warp_i, warp_j);
    }
    block.template wait_for_copies<0>();
    write(block, shared, acc, batch, first_i, first_j, warp_i, warp_j);
  }

 private:
  STRETTO_KERNEL int size() const { return kind == TensorKind::tf32 ? 4 : 2; }

  // Where 16 bytes of a factor's tile lie in a stage: k counts pieces of a line, or, of lines that lie
  // together, elements. The order within 128 bytes is such that eight pieces of neighbours meet no bank
  // twice.
  template <int kTile>
  STRETTO_KERNEL static int spot(bool along_k, int line, int k) {
    if (along_k) return line * kLine + (k ^ (line / 2 % 4)) * kPiece;
    return k * (2 * kTile) + (line / 8 ^ k % 8) * kPiece;
  }

  template <int kTile>
  STRETTO_KERNEL void bring(const Block& block, char* stage, const TensorFactor& factor, int first, int lines,
                            int step) const {
    constexpr int kPieces = kTile * kLine / kPiece, kEach = kPieces / kThreads;
    static_assert(kEach * kThreads == kPieces);
#pragma unroll
    for (int p = 0; p < kEach; ++p) {
      const int piece = block.thread() + p * kThreads;
      if (factor.along_k) {
        const int line = piece / (kLine / kPiece), in_line = piece % (kLine / kPiece);
        const int from = step * kLine + in_line * kPiece, left = k * size() - from;
        const int bytes = first + line < lines && left > 0 ? (left < kPiece ? left : kPiece) : 0;
        const char* source = factor.data + (first + line) * factor.line_bytes + from;
        block.copy_piece(stage + spot<kTile>(true, line, in_line), bytes > 0 ? source : factor.data, bytes);
      } else {
        const int at = piece / (kTile / 8), line = piece % (kTile / 8) * 8, from = step * (kLine / 2) + at;
        const int left = 2 * (lines - first - line);
        const int bytes = from < k && left > 0 ? (left < kPiece ? left : kPiece) : 0;
        const char* source = factor.data + from * factor.k_bytes + 2 * (first + line);
        block.copy_piece(stage + spot<kTile>(false, line, at), bytes > 0 ? source : factor.data, bytes);
      }
    }
  }

  // Where a lane finds its piece of the four 8 x 8 matrices from (line, half of the stage's k) on. Matrix q
  // of a is 8 * (q % 2) lines and 8 * (q / 2) elements further, of b the other way round.
  template <int kTile>
  STRETTO_KERNEL static int spot_of_lane(bool along_k, int lane, int line, int half, bool is_b) {
    const int q = lane / 8, lines = is_b ? q / 2 : q % 2, ks = is_b ? q % 2 : q / 2;
    if (along_k) return spot<kTile>(true, line + 8 * lines + lane % 8, 2 * half + ks);
    return spot<kTile>(false, line + 8 * lines, 16 * half + 8 * ks + lane % 8);
  }

  STRETTO_KERNEL void multiply(const Block& block, float (&acc)[kBlocksM][kBlocksN][4], const Stage& stage,
                               int half, int warp_i, int warp_j) const {
    const int lane = block.thread() % 32;
    std::uint32_t x[kBlocksM][4], y[kBlocksN / 2][4];
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i)
      block.load_matrices(x[i], stage.a + spot_of_lane<kTileM>(a.along_k, lane, warp_i + 16 * i, half, false),
                          !a.along_k);
#pragma unroll
    for (int j = 0; j < kBlocksN / 2; ++j)
      block.load_matrices(y[j], stage.b + spot_of_lane<kTileN>(b.along_k, lane, warp_j + 16 * j, half, true),
                          !b.along_k);
    const auto all = [&](auto product) {
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i)
#pragma unroll
        for (int j = 0; j < kBlocksN; ++j)
          block.template multiply_matrices<decltype(product)::kKind>(acc[i][j], x[i], y[j / 2][2 * (j % 2)],
                                                                     y[j / 2][2 * (j % 2) + 1]);
    };
    if (kind == TensorKind::bf16) {
      all(OfKind<TensorKind::bf16>{});
    } else if (kind == TensorKind::f16) {
      all(OfKind<TensorKind::f16>{});
    } else {
#pragma unroll
      for (int i = 0; i < kBlocksM; ++i) round_all(block, x[i]);
#pragma unroll
      for (int j = 0; j < kBlocksN / 2; ++j) round_all(block, y[j]);
      all(OfKind<TensorKind::tf32>{});
    }
  }

  template <TensorKind kOne>
  struct OfKind {
    static constexpr TensorKind kKind = kOne;
  };

  STRETTO_KERNEL static void round_all(const Block& block, std::uint32_t (&x)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) x[i] = block.to_tf32(x[i]);
  }

  // Through shared memory, a warp's height after the other, so that neighbouring threads write neighbouring
  // results.
  STRETTO_KERNEL void write(const Block& block, Shared& shared, const float (&acc)[kBlocksM][kBlocksN][4],
                            std::uint32_t batch, int first_i, int first_j, int warp_i, int warp_j) const {
    const int lane = block.thread() % 32;
#pragma unroll 1
    for (int band = 0; band < kWarpsM; ++band) {
      block.sync();
      if (warp_i == band * kWarpM) {
#pragma unroll
        for (int i = 0; i < kBlocksM; ++i)
#pragma unroll
          for (int j = 0; j < kBlocksN; ++j)
#pragma unroll
            for (int e = 0; e < 4; ++e)
              shared.results[16 * i + lane / 4 + e / 2 * 8][warp_j + 8 * j + lane % 4 * 2 + e % 2] =
                  acc[i][j][e];
      }
      block.sync();
      const bool down = finish.out_along_m;  // neighbours lie along i
#pragma unroll 1
      for (int e = block.thread(); e < kWarpM * kTileN; e += kThreads) {
        const int r = down ? e % kWarpM : e / kTileN, c = down ? e / kWarpM : e % kTileN;
        const int i = first_i + band * kWarpM + r, j = first_j + c;
        if (i < m && j < n) finish.store(batch, i, j, shared.results[r][c]);
      }
    }
  }
};

template <int kTileM, int kTileN, class Finish>
void run_tensor_tiles(const Place& place, const char* name, const TensorFactor& a, const TensorFactor& b,
                      TensorKind kind, int m, int n, int k, const Finish& finish, std::int64_t batches) {
  const std::int64_t tiles_m = (m - 1) / kTileM + 1, tiles_n = (n - 1) / kTileN + 1;
  launch(place, name, tiles_m * tiles_n * batches,
         TensorTile<kTileM, kTileN, Finish>{a, b, kind, m, n, k, finish, Divider(tiles_m), Divider(tiles_n)});
}

}  // namespace stretto
