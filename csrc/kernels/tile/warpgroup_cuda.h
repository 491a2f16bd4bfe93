// Sums of products by warpgroups (wgmma, compute capability 9.0): 16-bit factors, or float32 ones cut off to
// TF32, with float32 accumulators; as kernels/tile/tensor_cuda.h, a tile of outputs a block, k increasing.
//
// A warpgroup multiplies 64 x 32 bytes of a by 32 bytes x kTileN of b at a time, all from shared memory,
// while its threads bring the pieces of a later step. Four stages: one that is multiplied, one whose products
// may not be waited for yet, two on the way.
#pragma once

#include "cuda/divide.h"
#include "cuda/launch.h"
#include "kernels/tile/tensor_share_cuda.h"

namespace stretto {

// Finish: see TensorTile.
template <TensorKind kKind, int kTileM, int kTileN, class A, class B, class Finish>
struct WarpgroupTile {
  static constexpr int kGroups = kTileM / 64, kThreads = 128 * kGroups, kBlocks = kGroups == 1 ? 2 : 1;
  static constexpr bool kAsksForShared = true;
  static constexpr int kStages = 4, kPanel = 8;  // tiles of m that neighbouring blocks share the columns of
  static constexpr bool kAcrossA = A::kNeighbours == Neighbours::across_k;
  static constexpr bool kAcrossB = B::kNeighbours == Neighbours::across_k;
  static_assert(A::kNeighbours != Neighbours::either && B::kNeighbours != Neighbours::either);

  // Lines of k, or of 64 elements across k, of 128 bytes; eight of them are swizzled together.
  struct Lines {
    static constexpr int kBytes = 128;
    template <int kTile>
    STRETTO_KERNEL static int spot(bool along_k, int line, int k) {
      if (along_k) return line * kBytes + (k ^ line % 8) * kPieceBytes;
      return line / 64 * (64 * kBytes) + k * kBytes + (line % 64 / 8 ^ k % 8) * kPieceBytes;
    }
  };
  struct Stage {
    alignas(1024) char a[kTileM * Lines::kBytes];
    alignas(1024) char b[kTileN * Lines::kBytes];
  };
  union Shared {
    Stage stages[kStages];
    float results[64][kTileN + 1];
  };

  A a;
  B b;
  int m, n, steps;  // of 128 bytes of k
  Finish finish;
  int tiles_m, tiles_n;
  Divider tiles;  // of a product

  STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const {
    std::uint32_t batch = std::uint32_t(block.index());
    const int tile = int(tiles.split(batch)), panel = tile / (kPanel * tiles_n),
              in_panel = tile % (kPanel * tiles_n);
    const int height = tiles_m - panel * kPanel < kPanel ? tiles_m - panel * kPanel : kPanel;
    const int first_i = (panel * kPanel + in_panel % height) * kTileM, first_j = in_panel / height * kTileN;
    const auto start = finish.start(batch);
    const TensorShare<Lines, kTileM, kThreads, A> rows(block, a, start.a, first_i);
    const TensorShare<Lines, kTileN, kThreads, B> columns(block, b, start.b, first_j);
    float acc[kTileN / 8][4] = {};

    const auto fetch = [&](int step) {
      if (step < steps) {
        Stage& stage = shared.stages[step % kStages];
        rows.bring(block, stage.a, a, step);
        columns.bring(block, stage.b, b, step);
      }
      block.commit_copies();  // also of none, so that all steps count alike
    };
#pragma unroll
    for (int step = 0; step < kStages - 2; ++step) fetch(step);
    block.settle(acc);
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
      block.template wait_for_copies<kStages - 3>();
      block.publish_copies();
      block.sync();  // behind it the products of the step before the last one have been waited for by all
      multiply(block, acc, shared.stages[step % kStages]);
      fetch(step + kStages - 2);
      block.template wait_for_products<1>();
    }
    block.template wait_for_products<0>();
    block.settle(acc);
    block.template wait_for_copies<0>();
    write(block, shared, acc, batch, first_i, first_j);
  }

 private:
  STRETTO_KERNEL static void multiply(const Block& block, float (&acc)[kTileN / 8][4], const Stage& stage) {
    constexpr int k32 = 32, kAcross32 = 16 * Lines::kBytes, kGroup = 64 * Lines::kBytes;
    const SharedMatrix x(stage.a + block.thread() / 128 * kGroup, kGroup), y(stage.b, kGroup);
    block.begin_products();
#pragma unroll
    for (int k = 0; k < Lines::kBytes / 32; ++k)
      block.template begin_product<kKind, kAcrossA, kAcrossB>(acc, x, k * (kAcrossA ? kAcross32 : k32), y,
                                                              k * (kAcrossB ? kAcross32 : k32));
    block.commit_products();
  }

  // Through shared memory, a warpgroup's rows after the other's, so that neighbouring threads write
  // neighbouring results.
  STRETTO_KERNEL void write(const Block& block, Shared& shared, const float (&acc)[kTileN / 8][4],
                            std::uint32_t batch, int first_i, int first_j) const {
    const int lane = block.thread() % 32, row = block.thread() / 32 % 4 * 16 + lane / 4;
#pragma unroll 1
    for (int band = 0; band < kGroups; ++band) {
      block.sync();
      if (block.thread() / 128 == band) {
#pragma unroll
        for (int j = 0; j < kTileN / 8; ++j)
#pragma unroll
          for (int e = 0; e < 4; ++e)
            shared.results[row + e / 2 * 8][8 * j + lane % 4 * 2 + e % 2] = acc[j][e];
      }
      block.sync();
      const bool down = finish.out_along_m;  // neighbours lie along i
#pragma unroll 1
      for (int e = block.thread(); e < 64 * kTileN; e += kThreads) {
        const int r = down ? e % 64 : e / kTileN, c = down ? e / 64 : e % kTileN;
        const int i = first_i + band * 64 + r, j = first_j + c;
        if (i < m && j < n) finish.store(batch, i, j, shared.results[r][c]);
      }
    }
  }
};

template <TensorKind kKind, int kTileM, int kTileN, class A, class B, class Finish>
void run_warpgroup_tiles(const Place& place, const char* name, const A& a, const B& b, int m, int n,
                         std::int64_t k_bytes, const Finish& finish, std::int64_t batches) {
  const int tiles_m = (m - 1) / kTileM + 1, tiles_n = (n - 1) / kTileN + 1;
  const std::int64_t tiles = std::int64_t(tiles_m) * tiles_n;
  using Tile = WarpgroupTile<kKind, kTileM, kTileN, A, B, Finish>;
  launch(place, name, tiles * batches,
         Tile{a, b, m, n, int((k_bytes + 127) / 128), finish, tiles_m, tiles_n, Divider(tiles)});
}

// Large tiles where they fill the device; the bits are the same.
template <TensorKind kKind, class A, class B, class Finish>
void run_warpgroup_kind(const Place& place, const char* name, const A& a, const B& b, int m, int n,
                        std::int64_t k_bytes, const Finish& finish, std::int64_t batches) {
  const std::int64_t large = (std::int64_t(m) + 127) / 128 * ((std::int64_t(n) + 255) / 256) * batches;
  if (m > 64 && large >= multiprocessors(place))
    run_warpgroup_tiles<kKind, 128, 256>(place, name, a, b, m, n, k_bytes, finish, batches);
  else
    run_warpgroup_tiles<kKind, 64, 128>(place, name, a, b, m, n, k_bytes, finish, batches);
}

// Calls use() with a factor that knows which of its elements lie together.
template <class Factor, class F>
void with_neighbours(const Factor& factor, F&& use) {
  if constexpr (Factor::kNeighbours != Neighbours::either)
    use(factor);
  else if (factor.along_k())
    use(factor.template as<Neighbours::along_k>());
  else
    use(factor.template as<Neighbours::across_k>());
}

template <class A, class B, class Finish>
void run_warpgroups(const Place& place, const char* name, const A& a, const B& b, TensorKind kind, int m,
                    int n, std::int64_t k_bytes, const Finish& finish, std::int64_t batches) {
  with_neighbours(a, [&]<class X>(const X& x) {
    with_neighbours(b, [&]<class Y>(const Y& y) {
      constexpr bool along = X::kNeighbours == Neighbours::along_k && Y::kNeighbours == Neighbours::along_k;
      if (kind == TensorKind::f16)
        run_warpgroup_kind<TensorKind::f16>(place, name, x, y, m, n, k_bytes, finish, batches);
      else if (kind == TensorKind::bf16)
        run_warpgroup_kind<TensorKind::bf16>(place, name, x, y, m, n, k_bytes, finish, batches);
      else if constexpr (along)
        run_warpgroup_kind<TensorKind::tf32>(place, name, x, y, m, n, k_bytes, finish, batches);
    });
  });
}

}  // namespace stretto
