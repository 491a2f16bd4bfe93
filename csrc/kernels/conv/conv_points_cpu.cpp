// 1x1 convolution with channels last, for one instruction set: a matrix product, whose rows are positions.
#include <initializer_list>

#include "kernels/conv/conv.h"
#include "kernels/matmul/matmul.h"

namespace stretto::STRETTO_ISA {

void matmul(const MatmulArgs& args, int threads);
std::int64_t matmul_pack(const ArrayView& b, void* to);
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
  MatmulArgs product;
  product.a = channels_last(args.x);
  product.out = channels_last(args.out);
  product.b = matrix_of(args.w, &product.out);
  for (int d = 0; d < kSpatial; ++d) {
    product.a.shape.at[1 + d] = product.out.shape.at[1 + d];
    product.a.strides.at[1 + d] *= args.stride[d];
  }
  product.epilogue = args.epilogue;
  Epilogue& e = product.epilogue;
  for (ArrayView* view : {&e.bias, &e.scale, &e.shift, &e.residual}) *view = channels_last(*view);
  product.panels = args.packed;
  matmul(product, threads);
}

std::int64_t conv_points_bytes(const ConvArgs& args) {
  return matmul_pack(matrix_of(args.w, nullptr), nullptr);
}

void conv_points_pack(const ConvArgs& args, void* packed) { matmul_pack(matrix_of(args.w, nullptr), packed); }

}  // namespace stretto::STRETTO_ISA
