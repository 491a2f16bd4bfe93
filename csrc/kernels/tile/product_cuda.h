// Sums of products on a device, by the contract: a tile of outputs a block, a chain of fused multiply-adds an
// output, k increasing, a segment a block. What the factors are and where results go is the Source's:
//
//   Source: batches, m, n, k, segment (terms of a chain), a_along_k, b_along_k (which index of the factors
//   has
//           adjacent elements), finish (kernels/tile/finish_cuda.h), and
//           Start start(batch);  Line row(Start, i, i_step, k_step);  Line column(Start, j, j_step, k_step);
//           and the factors number `n` of such lines:  C a(Line, n, k) of row i + n * i_step at k + n *
//           k_step
//
// Beyond the end of k the factors are -0 and +0: fma(-0, +0, acc) is acc, whatever acc is.
#pragma once

#include "cuda/divide.h"
#include "cuda/elements.h"
#include "kernels/tile/finish_cuda.h"

namespace stretto {

template <class C>
STRETTO_INLINE C multiply_added(C a, C b, C acc) {
  if constexpr (std::is_same_v<C, float>)
    return __builtin_fmaf(a, b, acc);
  else if constexpr (std::is_same_v<C, double>)
    return __builtin_fma(a, b, acc);
  else
    return acc + a * b;  // of an unsigned type
}

// A matrix's line: elements by (n, k), without a product of an index and a stride for each.
template <class C>
struct MatrixLine {
  const C* first;
  std::int64_t step, k_stride;

  STRETTO_INLINE MatrixLine(const C* matrix, std::int64_t i, std::int64_t stride, int i_step,
                            std::int64_t along_k, int k_step)
      : first(matrix + i * stride), step(i_step * stride + k_step * along_k), k_stride(along_k) {}
  STRETTO_INLINE C at(int n, int k) const { return first[n * step + k * k_stride]; }
};

template <class C>
struct alignas(16) Quad {
  C v[4];
};

template <class C, class Source, int kTileM, int kTileN, int kStep>
struct ProductTile {
  static constexpr int kThreads = 256, kBlocksOn90 = 2, kM = kTileM, kN = kTileN, kK = kStep;
  // A thread has kParts x kParts blocks of 4 x 4 outputs, kBand rows (columns) apart.
  static constexpr int kSide = 16, kBand = 4 * kSide, kPartsM = kM / kBand, kPartsN = kN / kBand;
  static constexpr int kLoadsA = kM * kK / kThreads, kLoadsB = kN * kK / kThreads, kPad = 4;
  static_assert(kPartsM * kBand == kM && kPartsN * kBand == kN && kSide * kSide == kThreads);

  struct Factors {
    alignas(16) C a[2][kK][kM + kPad];
    alignas(16) C b[2][kK][kN + kPad];
  };
  union Shared {
    Factors factors;
    C results[kBand][kN + 1];
  };

  Source source;
  C* partial;  // (segment, batch, i, j) where there are several segments, else null
  Divider tiles_m, tiles_n, batches;

  // Which elements a thread brings: (first + i * step) along each index.
  struct Share {
    int outer, outer_step, k, k_step;
    STRETTO_KERNEL Share(int thread, bool along_k, int size)
        : outer(along_k ? thread / kK : thread % size),
          outer_step(along_k ? kThreads / kK : 0),
          k(along_k ? thread % kK : thread / size),
          k_step(along_k ? 0 : kThreads / size) {}
  };

  STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const {
    std::uint32_t index = std::uint32_t(block.index());
    const int first_i = int(tiles_m.split(index)) * kM;
    const int first_j = int(tiles_n.split(index)) * kN;
    const std::uint32_t batch = batches.split(index);
    const auto at = source.start(batch);
    const int start = int(index) * source.segment, left = source.k - start;
    const int end = left < source.segment ? source.k : start + source.segment;
    const int thread = block.thread(), ty = thread / kSide, tx = thread % kSide;

    const Share share_a(thread, source.a_along_k, kM), share_b(thread, source.b_along_k, kN);
    C next_a[kLoadsA], next_b[kLoadsB], acc[4 * kPartsM][4 * kPartsN] = {};
    const auto row = source.row(at, first_i + share_a.outer, share_a.outer_step, share_a.k_step);
    const auto column = source.column(at, first_j + share_b.outer, share_b.outer_step, share_b.k_step);
    const int rows = source.m - first_i - share_a.outer, columns = source.n - first_j - share_b.outer;
    const auto fetch = [&](int from) {
#pragma unroll
      for (int n = 0; n < kLoadsA; ++n) {
        const bool is_there = n * share_a.outer_step < rows && from + share_a.k + n * share_a.k_step < end;
        next_a[n] = is_there ? source.a(row, n, from + share_a.k) : C(-0.0);
      }
#pragma unroll
      for (int n = 0; n < kLoadsB; ++n) {
        const bool is_there = n * share_b.outer_step < columns && from + share_b.k + n * share_b.k_step < end;
        next_b[n] = is_there ? source.b(column, n, from + share_b.k) : C(0);
      }
    };
    const auto put = [&](int buffer) {
#pragma unroll
      for (int i = 0; i < kLoadsA; ++i)
        shared.factors.a[buffer][share_a.k + i * share_a.k_step][share_a.outer + i * share_a.outer_step] =
            next_a[i];
#pragma unroll
      for (int i = 0; i < kLoadsB; ++i)
        shared.factors.b[buffer][share_b.k + i * share_b.k_step][share_b.outer + i * share_b.outer_step] =
            next_b[i];
    };

    fetch(start);
    put(0);
    block.sync();
    int buffer = 0;
    for (int from = start; from < end; from += kK) {
      const bool more = from + kK < end;
      if (more) fetch(from + kK);
      multiply(acc, shared.factors.a[buffer], shared.factors.b[buffer], ty, tx);
      buffer ^= 1;
      if (more) put(buffer);
      block.sync();
    }

    // Through shared memory, band after band, so that neighbouring threads write neighbouring results.
#pragma unroll 1
    for (int band = 0; band < kPartsM; ++band) {
      block.sync();
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4 * kPartsN; ++j) {
          C z = acc[i][j];
#pragma unroll
          for (int p = 1; p < kPartsM; ++p)
            if (p == band) z = acc[4 * p + i][j];
          shared.results[4 * ty + i][4 * tx + j / 4 * kBand + j % 4] = z;
        }
      block.sync();
      write(shared, thread, batch, index, first_i + band * kBand, first_j);
    }
  }

 private:
  STRETTO_KERNEL static void multiply(C (&acc)[4 * kPartsM][4 * kPartsN], const C (&a)[kK][kM + kPad],
                                      const C (&b)[kK][kN + kPad], int ty, int tx) {
#pragma unroll
    for (int k = 0; k < kK; ++k) {
      Quad<C> x[kPartsM], y[kPartsN];
#pragma unroll
      for (int p = 0; p < kPartsM; ++p) x[p] = *reinterpret_cast<const Quad<C>*>(&a[k][4 * ty + p * kBand]);
#pragma unroll
      for (int p = 0; p < kPartsN; ++p) y[p] = *reinterpret_cast<const Quad<C>*>(&b[k][4 * tx + p * kBand]);
#pragma unroll
      for (int i = 0; i < 4 * kPartsM; ++i)
#pragma unroll
        for (int j = 0; j < 4 * kPartsN; ++j)
          acc[i][j] = multiply_added(x[i / 4].v[i % 4], y[j / 4].v[j % 4], acc[i][j]);
    }
  }

  STRETTO_KERNEL void write(const Shared& shared, int thread, std::uint32_t batch, std::uint32_t segment,
                            int first_i, int first_j) const {
    const bool down = !partial && source.finish.out_along_m;  // neighbours lie along i
#pragma unroll 1
    for (int e = thread; e < kBand * kN; e += kThreads) {
      const int r = down ? e % kBand : e / kN, c = down ? e / kBand : e % kN;
      const int i = first_i + r, j = first_j + c;
      if (i >= source.m || j >= source.n) continue;
      const C z = shared.results[r][c];
      if (partial)
        partial[((std::int64_t(segment) * batches.divisor() + batch) * source.m + i) * source.n + j] = z;
      else
        source.finish.store(batch, i, j, z);
    }
  }
};

// The totals of several segments, in order, and what follows them: an output a thread.
template <class C, class Source>
struct ProductEnd {
  Source source;
  const C* partial;
  std::int64_t segments, outputs;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    C total = partial[index];
    for (std::int64_t s = 1; s < segments; ++s) total = total + partial[s * outputs + index];
    const std::int64_t row = index / source.n;
    source.finish.store(std::uint32_t(row / source.m), int(row % source.m), int(index % source.n), total);
  }
};

constexpr std::int64_t kMostIndices = std::int64_t(1) << 30;  // of blocks and outputs that a Divider takes

// An output a thread, with its whole sum: for integers, and results too small, or of too odd a shape, for
// tiles.
template <class C, class Source>
struct ProductEach {
  static constexpr int kThreads = 128;
  using Shared = NoShared;
  Source source;
  std::int64_t outputs;
  Divider m, n;  // for fewer outputs than kMostIndices

  STRETTO_KERNEL void operator()(const Block& block, Shared&) const {
    const std::int64_t index = block.index() * kThreads + block.thread();
    if (index >= outputs) return;
    std::uint32_t batch = std::uint32_t(index);
    int i, j;
    if (outputs > kMostIndices) {
      batch = std::uint32_t(index / source.n / source.m);
      i = int(index / source.n % source.m);
      j = int(index % source.n);
    } else if (source.finish.out_along_m) {
      i = int(m.split(batch));
      j = int(n.split(batch));
    } else {
      j = int(n.split(batch));
      i = int(m.split(batch));
    }
    const auto at = source.start(batch);
    const auto row = source.row(at, i, 0, 0);
    const auto column = source.column(at, j, 0, 0);
    C total = C(0);
    for (int start = 0; start < source.k; start += source.segment) {
      const int end = source.k - start < source.segment ? source.k : start + source.segment;
      C acc = C(0);
#pragma unroll 4
      for (int k = start; k < end; ++k)
        acc = multiply_added(source.a(row, 0, k), source.b(column, 0, k), acc);
      total = start == 0 ? acc : total + acc;
    }
    source.finish.store(batch, i, j, total);
  }
};

template <int kTileM, int kTileN, int kStep, class C, class Source>
void run_tiles(const Place& place, const char* name, const Source& source, std::int64_t batches) {
  using Kernel = ProductTile<C, Source, kTileM, kTileN, kStep>;
  const std::int64_t segments = (source.k - 1) / source.segment + 1, outputs = batches * source.m * source.n;
  const std::int64_t tiles_m = (source.m - 1) / kTileM + 1, tiles_n = (source.n - 1) / kTileN + 1;
  C* partial = segments > 1 ? place.memory<C>(segments * outputs * std::int64_t(sizeof(C))) : nullptr;
  const Kernel kernel{source, partial, Divider(tiles_m), Divider(tiles_n), Divider(batches)};
  launch(place, name, tiles_m * tiles_n * batches * segments, kernel);
  if (partial)
    launch_elements(place, name, outputs, ProductEnd<C, Source>{source, partial, segments, outputs});
}

// Sums of no terms are outputs too.
template <class C, class Source>
void run_product(const Place& place, const char* name, const Source& source, std::int64_t batches) {
  const std::int64_t outputs = batches * source.m * source.n;
  const bool is_small = source.k == 0 || source.m < 24 || source.n < 24;
  if (!std::is_floating_point_v<C> || (outputs <= kMostIndices && is_small)) {
    using Kernel = ProductEach<C, Source>;
    const Kernel kernel{source, outputs, Divider(source.m), Divider(source.n)};
    return launch(place, name, (outputs - 1) / Kernel::kThreads + 1, kernel);
  }
  if constexpr (std::is_same_v<C, float>)
    if (source.m > 64 && source.n > 64) return run_tiles<128, 128, 8, C>(place, name, source, batches);
  if constexpr (std::is_floating_point_v<C>) run_tiles<64, 64, 16, C>(place, name, source, batches);
}

// The sizes that kernels count with 31 bits.
inline int counted(const char* what, std::int64_t size) {
  if (size >= std::int64_t(1) << 30)
    throw std::runtime_error(std::string(what) + " has 2^30 or more elements");
  return int(size);
}

}  // namespace stretto
