// The matrices of a product on a device: the number of each says where it lies in every operand.
#pragma once

#include "cuda/loops.h"
#include "kernels/matmul/matmul.h"
#include "kernels/tile/finish_cuda.h"

namespace stretto {

constexpr int kMatrixViews = 2 + kOperands;  // a and b first

struct MatrixResults {
  Results results;
  Loops<kMatrixViews> batch;
  std::int64_t row[kOperands], column[kOperands];
  bool out_along_m;  // neighbours in memory lie along i

  struct Start {
    std::int64_t a, b;
  };
  STRETTO_INLINE Start start(std::uint32_t matrix) const {
    std::int64_t at[kMatrixViews];
    batch.offsets(matrix, at);
    return {at[0], at[1]};
  }
  template <class C>
  STRETTO_INLINE void store(std::uint32_t matrix, int i, int j, C z) const {
    std::int64_t start[kMatrixViews], at[kOperands];
    batch.offsets(matrix, start);
    for (int o = 0; o < kOperands; ++o) at[o] = start[2 + o] + i * row[o] + j * column[o];
    results.store(at, z);
  }
};

// Calls use(MatrixResults) for slices of the batch of at most `most` outputs, or of one matrix.
template <class F>
void each_slice(const MatmulArgs& args, const ArrayView& out, const Epilogue& e, DType operands,
                std::int64_t most, F&& use) {
  const ArrayView* views[kMatrixViews] = {&args.a, &args.b, &out, &e.bias, &e.scale, &e.shift, &e.residual};
  MatrixResults finish{Results(out, e, operands), {}, {}, {}, false};
  for (int o = 0; o < kOperands; ++o) {
    if (!views[2 + o]->present()) continue;
    finish.row[o] = views[2 + o]->strides.last(1);
    finish.column[o] = views[2 + o]->strides.last(0);
  }
  finish.out_along_m = size_of_stride(out.strides.last(1)) < size_of_stride(out.strides.last(0));
  Dims batch = out.shape;
  batch.count -= 2;
  const Dims* strides[kMatrixViews];
  for (int v = 0; v < kMatrixViews; ++v) strides[v] = views[v]->present() ? &views[v]->strides : nullptr;
  LoopNest<kMatrixViews>(batch, strides, most / (args.m() * args.n()) + 1)
      .slices([&](const Loops<kMatrixViews>& matrices) {
        finish.batch = matrices;
        use(finish);
      });
}

// Of what takes_tensor_cores() says yes to.
void tensor_matmul(const MatmulArgs& args, const ArrayView& out, const Epilogue& epilogue);

}  // namespace stretto
