#include "kernels/matmul/simplify.h"

namespace stretto {
namespace {

constexpr int kViews = 7;

struct Views {
  ArrayView* at[kViews];
  explicit Views(MatmulArgs& args)
      : at{&args.a,
           &args.b,
           &args.out,
           &args.epilogue.bias,
           &args.epilogue.scale,
           &args.epilogue.shift,
           &args.epilogue.residual} {}
};

void erase(Dims& dims, int d) {
  for (int i = d; i + 1 < dims.count; ++i) dims[i] = dims[i + 1];
  --dims.count;
}

// Axis d continues axis d + 1 in every view, so that they are one axis.
bool continues(const Views& views, int d, std::int64_t inner) {
  for (const ArrayView* view : views.at)
    if (view->present() && view->strides[d] != view->strides[d + 1] * inner) return false;
  return true;
}

void merge_batch_axes(MatmulArgs& args) {
  const Views views(args);
  for (int d = args.out.shape.count - 3; d >= 0; --d) {
    const std::int64_t size = args.out.shape[d];
    const bool is_last = d == args.out.shape.count - 3;
    if (size != 1 && (is_last || !continues(views, d, args.out.shape[d + 1]))) continue;
    for (ArrayView* view : views.at) {
      if (!view->present()) continue;
      if (size != 1) view->shape[d + 1] *= size;
      erase(view->shape, d);
      erase(view->strides, d);
    }
  }
}

// One b for the whole last batch axis: its matrices of a are rows of one taller matrix.
void fold_batch_into_rows(MatmulArgs& args) {
  const int d = args.out.shape.count - 3;
  if (d < 0 || args.b.strides[d] != 0) return;
  const std::int64_t m = args.m(), count = args.out.shape[d];
  const ArrayView* const tall[] = {&args.a,
                                   &args.out,
                                   &args.epilogue.bias,
                                   &args.epilogue.scale,
                                   &args.epilogue.shift,
                                   &args.epilogue.residual};
  for (const ArrayView* view : tall)
    if (view->present() && m != 1 && view->strides[d] != view->strides[d + 1] * m) return;
  for (ArrayView* view : Views(args).at) {
    if (!view->present()) continue;
    if (view != &args.b) {
      if (m == 1) view->strides[d + 1] = view->strides[d];
      view->shape[d + 1] = m * count;
    }
    erase(view->shape, d);
    erase(view->strides, d);
  }
}

void swap_last_two(Dims& dims) {
  const std::int64_t last = dims.last(0);
  dims[dims.count - 1] = dims.last(1);
  dims[dims.count - 2] = last;
}

// out' = b' a': the columns become the lanes.
void transpose(MatmulArgs& args) {
  for (ArrayView* view : Views(args).at) {
    if (!view->present()) continue;
    swap_last_two(view->shape);
    swap_last_two(view->strides);
  }
  const ArrayView a = args.a;
  args.a = args.b;
  args.b = a;
}

// A few columns, for which it is worth reading a large a as it lies: its rows or its columns in one piece
// each.
bool is_narrow(const MatmulArgs& args, int most_columns) {
  constexpr std::int64_t kLong = 32, kMany = 3000;
  const std::int64_t m = args.m(), n = args.n(), k = args.k();
  if (n == 1) return m > 1;
  const bool lies_well = args.a.strides.last(0) == 1 || args.a.strides.last(1) == 1;
  return n <= most_columns && m >= kLong && k >= kLong && m * k >= (n - 1) * (n - 1) * kMany && lies_well;
}

}  // namespace

MatmulArgs simplified(const MatmulArgs& given, int most_columns) {
  MatmulArgs args = given;
  merge_batch_axes(args);
  fold_batch_into_rows(args);
  if (args.panels || most_columns == 0) return args;
  const bool suits_transposed = args.b.strides.last(0) != 1 && args.a.strides.last(1) == 1 &&
                                args.out.strides.last(0) != 1 && args.out.strides.last(1) == 1;
  if (is_narrow(args, most_columns) || suits_transposed) transpose(args);
  return args;
}

}  // namespace stretto
