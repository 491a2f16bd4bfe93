// matmul on the tensor cores of a device.
#include "kernels/matmul/matrices_cuda.h"
#include "kernels/tile/tensor_product_cuda.h"

namespace stretto {
namespace {

// The axes swapped, so that k is the last one.
ArrayView transposed(const ArrayView& view) {
  ArrayView result = view;
  const int last = view.shape.count - 1;
  result.shape[last] = view.shape[last - 1];
  result.shape[last - 1] = view.shape[last];
  result.strides[last] = view.strides[last - 1];
  result.strides[last - 1] = view.strides[last];
  return result;
}

int counted(std::int64_t size) {
  if (size >= std::int64_t(1) << 28) throw std::runtime_error("an axis has 2^28 or more elements");
  return int(size);
}

// Rows of a, or columns of b with k last.
struct Lines {
  ArrayView view;
  bool along_k = true;

  Lines(const ArrayView& lines, const Place& place) : view(lines) {
    const int last = lines.shape.count - 1;
    if (has_pieces(lines, last)) return;
    along_k = lines.dtype == DType::f32 || !has_pieces(lines, last - 1);
    if (along_k) view = copy_once_in_pieces(lines, place);
  }
  // An axis of one element has no neighbours; its stride may be anything.
  MatrixFactor<> factor() const {
    const int size = itemsize(view.dtype);
    const auto bytes = [&](int from_last) {
      return view.shape.last(from_last) == 1 ? 0 : view.strides.last(from_last) * size;
    };
    return {view.as<const char>(),       bytes(1), bytes(0), counted(view.shape.last(1)),
            counted(view.shape.last(0)), size,     along_k};
  }
};

}  // namespace

void tensor_matmul(const MatmulArgs& args, const ArrayView& out, const Epilogue& epilogue) {
  const Place& place = *out.place;
  const Lines a(args.a, place), b(transposed(args.b), place);
  const MatrixFactor<> rows = a.factor(), columns = b.factor();
  MatmulArgs here = args;
  here.a = a.view;
  here.b = transposed(b.view);
  each_slice(here, out, epilogue, args.a.dtype, std::int64_t(1) << 30, [&](const MatrixResults& finish) {
    run_tensor_product(place, "matmul", rows, columns, tensor_kind(args.a.dtype, args.precision), rows.count,
                       columns.count, std::int64_t(rows.k) * rows.size, finish, finish.batch.size);
  });
}

}  // namespace stretto
