// matmul on a device.
#include "kernels/cuda_kernels.h"
#include "kernels/matmul/matrices_cuda.h"
#include "kernels/tile/product_cuda.h"
#include "kernels/tile/tensor_operands_cuda.h"

namespace stretto {
namespace {

template <class C>
struct Matrices {
  const C* a_data;
  const C* b_data;
  int m, n, k, segment;
  std::int64_t a_row, a_k, b_column, b_k;
  bool a_along_k, b_along_k;
  MatrixResults finish;

  using Start = MatrixResults::Start;
  STRETTO_INLINE Start start(std::uint32_t matrix) const { return finish.start(matrix); }
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

template <class C>
void run(const MatmulArgs& args, const ArrayView& out, const Epilogue& e, DType operands) {
  const Dims &a = args.a.strides, &b = args.b.strides;
  Matrices<C> source{args.a.as<C>(),
                     args.b.as<C>(),
                     counted("an axis", args.m()),
                     counted("an axis", args.n()),
                     counted("an axis", args.k()),
                     kSegment,
                     a.last(1),
                     a.last(0),
                     b.last(0),
                     b.last(1),
                     size_of_stride(a.last(0)) <= size_of_stride(a.last(1)),
                     size_of_stride(b.last(1)) < size_of_stride(b.last(0)),
                     {}};
  each_slice(args, out, e, operands, kMostIndices, [&](const MatrixResults& finish) {
    source.finish = finish;
    run_product<C>(*out.place, "matmul", source, finish.batch.size);
  });
}

}  // namespace

const char* cuda_matmul(const MatmulArgs& args) {
  return guarded("matmul", [&] {
    if (args.out.size() == 0) return;
    with_activation(args.out, args.epilogue, [&](const ArrayView& out, const Epilogue& epilogue) {
      if (takes_tensor_cores(args.a.dtype, args.precision, args.k()))
        return tensor_matmul(args, out, epilogue);
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
