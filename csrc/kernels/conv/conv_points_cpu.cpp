// 1x1 convolution with channels last, for one instruction set: a matrix product, whose rows are positions.
#include <initializer_list>

#include "kernels/conv/conv.h"
#include "kernels/product.h"

namespace stretto::STRETTO_ISA {

void conv_channels(const ConvArgs& args, int threads);

namespace {

// The axes (n, c, d, h, w) as (n, d, h, w, c): three of batches, rows, columns.
ArrayView channels_last(const ArrayView& view) {
  constexpr int axes[] = {0, 2, 3, 4, 1};
  ArrayView last = view;
  for (int i = 0; view.present() && i < 5; ++i) {
    last.shape.at[i] = view.shape.at[axes[i]];
    last.strides.at[i] = view.strides.at[axes[i]];
  }
  return last;
}

// The weight (o, c, 1, 1, 1) as a matrix (c, o), the same one for all batches.
ArrayView matrix_of(const ArrayView& w, const ArrayView* batches) {
  ArrayView matrix = w;
  matrix.shape = matrix.strides = {};
  for (int i = 0; batches && i < 3; ++i) {
    matrix.shape.push(batches->shape.at[i]);
    matrix.strides.push(0);
  }
  for (int axis = 1; axis >= 0; --axis) {
    matrix.shape.push(w.shape.at[axis]);
    matrix.strides.push(w.strides.at[axis]);
  }
  return matrix;
}

bool meets_padding(const ConvArgs& args) {
  bool meets = false;
  for (int d = 0; d < kSpatial; ++d)
    meets |= args.before[d] > 0 || (args.out.shape.at[2 + d] - 1) * args.stride[d] >= args.x.shape.at[2 + d];
  return meets;
}

}  // namespace

void conv_points(const ConvArgs& args, int threads) {
  if (meets_padding(args)) {
    ConvArgs plain = args;
    plain.packed = nullptr;
    return conv_channels(plain, threads);
  }
  const ArrayView out = channels_last(args.out);
  ArrayView x = channels_last(args.x);
  for (int d = 0; d < kSpatial; ++d) {
    x.shape.at[1 + d] = out.shape.at[1 + d];
    x.strides.at[1 + d] *= args.stride[d];
  }
  Epilogue e = args.epilogue;
  for (ArrayView* view : {&e.bias, &e.scale, &e.shift, &e.residual}) *view = channels_last(*view);
  product(x, matrix_of(args.w, &out), args.packed, e, out, threads);
}

std::int64_t conv_points_bytes(const ConvArgs& args) {
  return pack_product(matrix_of(args.w, nullptr), nullptr);
}

void conv_points_pack(const ConvArgs& args, void* packed) {
  pack_product(matrix_of(args.w, nullptr), packed);
}

}  // namespace stretto::STRETTO_ISA
