// Sums of products on tensor cores: float16 and bfloat16 factors, or float32 ones rounded to TF32, or cut in
// two such parts, with float32 accumulators. A tile of outputs a block, k increasing, whatever the tile: an
// output's bits depend on its factors alone, though not on these as the contract says (docs/numerics.md).
//
// A warp multiplies 16 x 32 bytes of a by 32 bytes x 8 of b at a time. Tiles come through shared memory by
// asynchronous copies of 16 bytes, three stages deep.
#pragma once

#include "cuda/divide.h"
#include "cuda/launch.h"
#include "kernels/tile/tensor_share_cuda.h"

namespace stretto {

// Finish says where each of a batch of products lies: Start{a, b} start(batch), in elements, and takes the
// results: store(batch, i, j, sum), neighbours along i if out_along_m.
template <int kTileM, int kTileN, class A, class B, class Finish>
struct TensorTile {
  static constexpr int kWarpsM = 2, kWarpsN = kTileN / 32, kThreads = 32 * kWarpsM * kWarpsN, kBlocks = 2;
  static constexpr int kWarpM = kTileM / kWarpsM, kWarpN = 32;
  static constexpr int kLine = 64, kStages = 3;  // bytes of a line in a stage
  static constexpr int kBlocksM = kWarpM / 16, kBlocksN = kWarpN / 8;

  struct Stage {
    alignas(128) char a[kTileM * kLine];
    alignas(128) char b[kTileN * kLine];
  };
  union Shared {
    Stage stages[kStages];
    float results[kWarpM][kTileN + 1];
  };

  A a;
  B b;
  TensorKind kind;
  int m, n, steps;  // of 64 bytes of k
  Finish finish;
  Divider tiles_m, tiles_n;

  STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const {
    std::uint32_t batch = std::uint32_t(block.index());
    const int first_i = int(tiles_m.split(batch)) * kTileM;
    const int first_j = int(tiles_n.split(batch)) * kTileN;
    const auto start = finish.start(batch);
    const Share<kTileM, A> rows(block, a, start.a, first_i);
    const Share<kTileN, B> columns(block, b, start.b, first_j);
    const int warp_i = block.thread() / 32 / kWarpsN * kWarpM,
              warp_j = block.thread() / 32 % kWarpsN * kWarpN;
    float acc[kBlocksM][kBlocksN][4] = {};

    const auto fetch = [&](int step) {
      if (step < steps) {
        Stage& stage = shared.stages[step % kStages];
        rows.bring(block, stage.a, a, step);
        columns.bring(block, stage.b, b, step);
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
  // The lines of k of a stage. The order within 128 bytes is such that eight pieces of neighbours meet no
  // bank twice.
  struct Lines {
    static constexpr int kBytes = kLine;
    template <int kTile>
    STRETTO_KERNEL static int spot(bool along_k, int line, int k) {
      if (along_k) return line * kLine + (k ^ (line / 2 % 4)) * kPieceBytes;
      return k * (2 * kTile) + (line / 8 ^ k % 8) * kPieceBytes;
    }
  };
  template <int kTile, class Factor>
  using Share = TensorShare<Lines, kTile, kThreads, Factor>;

  // Where a lane finds its piece of the four 8 x 8 matrices from (line, half of the stage's k) on. Matrix q
  // of a is 8 * (q % 2) lines and 8 * (q / 2) elements further, of b the other way round.
  template <int kTile>
  STRETTO_KERNEL static int spot_of_lane(bool along_k, int lane, int line, int half, bool is_b) {
    const int q = lane / 8, lines = is_b ? q / 2 : q % 2, ks = is_b ? q % 2 : q / 2;
    if (along_k) return Lines::template spot<kTile>(true, line + 8 * lines + lane % 8, 2 * half + ks);
    return Lines::template spot<kTile>(false, line + 8 * lines, 16 * half + 8 * ks + lane % 8);
  }

  STRETTO_KERNEL void multiply(const Block& block, float (&acc)[kBlocksM][kBlocksN][4], const Stage& stage,
                               int half, int warp_i, int warp_j) const {
    const int lane = block.thread() % 32;
    std::uint32_t y[kBlocksN / 2][4];
#pragma unroll
    for (int j = 0; j < kBlocksN / 2; ++j)
      block.load_matrices(
          y[j], stage.b + spot_of_lane<kTileN>(b.along_k(), lane, warp_j + 16 * j, half, true), !b.along_k());
    const auto load_rows = [&](std::uint32_t (&x)[4], int i) {
      block.load_matrices(x, stage.a + spot_of_lane<kTileM>(a.along_k(), lane, warp_i + 16 * i, half, false),
                          !a.along_k());
    };
    if (kind == TensorKind::split_tf32) return multiply_split(block, acc, load_rows, y);
    std::uint32_t x[kBlocksM][4];
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) load_rows(x[i], i);
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

  // x y = (high + low) (high + low) but for low low, the small products first.
  template <class LoadRows>
  STRETTO_KERNEL static void multiply_split(const Block& block, float (&acc)[kBlocksM][kBlocksN][4],
                                            const LoadRows& load_rows, std::uint32_t (&y)[kBlocksN / 2][4]) {
    std::uint32_t x[4], low_x[4], low_y[kBlocksN / 2][4];
#pragma unroll
    for (int j = 0; j < kBlocksN / 2; ++j) split_all(block, y[j], low_y[j]);
#pragma unroll
    for (int i = 0; i < kBlocksM; ++i) {
      load_rows(x, i);
      split_all(block, x, low_x);
#pragma unroll
      for (int j = 0; j < kBlocksN; ++j) {
        const int at = 2 * (j % 2);
        const std::uint32_t (&high)[4] = y[j / 2], (&low)[4] = low_y[j / 2];
        block.template multiply_matrices<TensorKind::tf32>(acc[i][j], low_x, high[at], high[at + 1]);
        block.template multiply_matrices<TensorKind::tf32>(acc[i][j], x, low[at], low[at + 1]);
        block.template multiply_matrices<TensorKind::tf32>(acc[i][j], x, high[at], high[at + 1]);
      }
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
  STRETTO_KERNEL static void split_all(const Block& block, std::uint32_t (&x)[4], std::uint32_t (&low)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float whole = __builtin_bit_cast(float, x[i]);
      x[i] = block.to_tf32(x[i]);
      const float rest = whole - __builtin_bit_cast(float, x[i]);
      low[i] = block.to_tf32(__builtin_bit_cast(std::uint32_t, rest));
    }
  }

  // A float32 sum by fma. An infinite part leaves NaN where the sum may be infinite or, of factors that round
  // to infinity, finite: a split sum that is NaN is made again.
  STRETTO_KERNEL float chain(std::uint32_t batch, int i, int j) const {
    const auto start = finish.start(batch);
    const auto row = a.template lines<1, 1>(start.a, i);
    const auto column = b.template lines<1, 1>(start.b, j);
    float sum = 0;
#pragma unroll 1
    for (int k = 0; k < steps * (kLine / kPieceBytes); ++k) {
      const TensorPiece x = a.piece(row, 0, a.term(k)), y = b.piece(column, 0, b.term(k));
      for (int e = 0; e < kPieceBytes / 4; ++e) sum = __builtin_fmaf(element(x, e), element(y, e), sum);
    }
    return sum;
  }
  STRETTO_KERNEL static float element(const TensorPiece& piece, int e) {
    return 4 * e < piece.bytes ? reinterpret_cast<const float*>(piece.from)[e] : 0.0f;
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
        if (i >= m || j >= n) continue;
        float sum = shared.results[r][c];
        if (sum != sum && kind == TensorKind::split_tf32) sum = chain(batch, i, j);
        finish.store(batch, i, j, sum);
      }
    }
  }
};

template <int kTileM, int kTileN, class A, class B, class Finish>
void run_tensor_tiles(const Place& place, const char* name, const A& a, const B& b, TensorKind kind, int m,
                      int n, int steps, const Finish& finish, std::int64_t batches) {
  const std::int64_t tiles_m = (m - 1) / kTileM + 1, tiles_n = (n - 1) / kTileN + 1;
  using Tile = TensorTile<kTileM, kTileN, A, B, Finish>;
  launch(place, name, tiles_m * tiles_n * batches,
         Tile{a, b, kind, m, n, steps, finish, Divider(tiles_m), Divider(tiles_n)});
}

}  // namespace stretto
