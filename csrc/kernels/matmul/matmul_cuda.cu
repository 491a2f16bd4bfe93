// matmul on a device.
#include "cuda/loops.h"
#include "kernels/cuda_kernels.h"
#include "kernels/matmul/matmul.h"
#include "kernels/tile/product_cuda.h"

namespace stretto {
namespace {

constexpr int kViews = 2 + kOperands;  // a and b first

struct MatrixResults {
  Results results;
  Loops<kViews> batch;
  std::int64_t row[kOperands], column[kOperands];
  bool out_along_m;

  template <class C>
  STRETTO_INLINE void store(std::uint32_t matrix, int i, int j, C z) const {
    std::int64_t start[kViews], at[kOperands];
    batch.offsets(matrix, start);
    for (int o = 0; o < kOperands; ++o) at[o] = start[2 + o] + i * row[o] + j * column[o];
    results.store(at, z);
  }
};

template <class C>
struct Matrices {
  const C* a_data;
  const C* b_data;
  int m, n, k, segment;
  std::int64_t a_row, a_k, b_column, b_k;
  bool a_along_k, b_along_k;
  MatrixResults finish;

  struct Start {
    std::int64_t a, b;
  };
  STRETTO_INLINE Start start(std::uint32_t matrix) const {
    std::int64_t at[kViews];
    finish.batch.offsets(matrix, at);
    return {at[0], at[1]};
  }
  using Line = MatrixLine<C>;
  STRETTO_INLINE Line row(const Start& from, int i, int i_step, int k_step) const {
    return Line(a_data + from.a, i, a_row, i_step, a_k, k_step);
  }
  STRETTO_INLINE Line column(const Start& from, int j, int j_step, int k_step) const {
    return Line(b_data + from.b, j, b_column, j_step, b_k, k_step);
  }
  STRETTO_INLINE C a(const Line& line, int n, int p) const { return line.at(n, p); }
  STRETTO_INLINE C b(const Line& line, int n, int p) const { return line.at(n, p); }
};

std::int64_t size_of(std::int64_t stride) { return stride < 0 ? -stride : stride; }

template <class C>
void run(const MatmulArgs& args, const ArrayView& out, const Epilogue& e, DType operands) {
  const ArrayView* views[kViews] = {&args.a, &args.b, &out, &e.bias, &e.scale, &e.shift, &e.residual};
  Matrices<C> source{args.a.as<C>(),
                     args.b.as<C>(),
                     counted("an axis", args.m()),
                     counted("an axis", args.n()),
                     counted("an axis", args.k()),
                     kSegment,
                     args.a.strides.last(1),
                     args.a.strides.last(0),
                     args.b.strides.last(0),
                     args.b.strides.last(1),
                     size_of(args.a.strides.last(0)) <= size_of(args.a.strides.last(1)),
                     size_of(args.b.strides.last(1)) < size_of(args.b.strides.last(0)),
                     {Results(out, e, operands), {}, {}, {}, false}};
  for (int o = 0; o < kOperands; ++o) {
    if (!views[2 + o]->present()) continue;
    source.finish.row[o] = views[2 + o]->strides.last(1);
    source.finish.column[o] = views[2 + o]->strides.last(0);
  }
  source.finish.out_along_m = size_of(out.strides.last(1)) < size_of(out.strides.last(0));
  Dims batch = out.shape;
  batch.count -= 2;
  const Dims* strides[kViews];
  for (int v = 0; v < kViews; ++v) strides[v] = views[v]->present() ? &views[v]->strides : nullptr;
  LoopNest<kViews>(batch, strides, kMostIndices / (std::int64_t(source.m) * source.n) + 1)
      .slices([&](const Loops<kViews>& matrices) {
        source.finish.batch = matrices;
        run_product<C>(*out.place, "matmul", source, matrices.size);
      });
}

}  // namespace

const char* cuda_matmul(const MatmulArgs& args) {
  return guarded("matmul", [&] {
    if (args.out.size() == 0) return;
    with_activation(args.out, args.epilogue, [&](const ArrayView& out, const Epilogue& epilogue) {
      const Kind kind = kind_of(args.a.dtype);
      const DType operands = is_floating(args.a.dtype) ? args.a.dtype : args.out.dtype;
      const DType computed = kind == Kind::single ? DType::f32 : kind == Kind::wide ? DType::f64 : DType::i64;
      MatmulArgs wide = args;
      wide.a = widened(args.a, computed, *out.place);
      wide.b = widened(args.b, computed, *out.place);
      if (kind == Kind::single)
        run<float>(wide, out, epilogue, operands);
      else if (kind == Kind::wide)
        run<double>(wide, out, epilogue, operands);
      else  // modulo 2^64, which cut to the dtype is modulo its 2^bits
        run<std::uint64_t>(wide, out, epilogue, operands);
    });
  });
}

}  // namespace stretto
