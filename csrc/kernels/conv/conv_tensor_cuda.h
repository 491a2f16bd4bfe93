// Convolutions on the tensor cores of a device.
#pragma once

#include "kernels/conv/conv_transpose.h"
#include "kernels/conv/conv_weight_gradient.h"
#include "kernels/tile/tensor_operands_cuda.h"

namespace stretto {

// Places in x are counted in pieces of 16 bytes, in 31 bits, also where it has to be copied.
inline bool is_in_reach(const ArrayView& x, std::int64_t groups) {
  if (x.size() == 0) return true;
  const std::int64_t channels = groups * whole_pieces(x.shape[1] / groups, x.dtype);
  return x.size() / x.shape[1] * channels * itemsize(x.dtype) / kPieceBytes < (std::int64_t(1) << 30);
}

// Groups of few channels would leave most of a tile empty.
inline bool takes_tensor_cores(const ConvArgs& args) {
  return args.group_outputs() >= 16 && is_in_reach(args.x, args.groups) &&
         takes_tensor_cores(args.x.dtype, args.precision, args.group_inputs() * args.taps());
}
inline bool takes_tensor_cores(const ConvTransposeArgs& args) {
  return args.group_outputs() >= 16 && is_in_reach(args.x, args.groups) &&
         takes_tensor_cores(args.x.dtype, Precision::highest, args.group_inputs() * args.taps());
}
// Elements that lie across the sums have to be 16-bit ones.
inline bool takes_tensor_cores(const ConvWeightGradientArgs& args) {
  return args.out.shape[0] / args.groups >= 16 && args.out.shape[1] >= 8 &&
         is_in_reach(args.x, args.groups) &&
         takes_tensor_cores(args.x.dtype, Precision::highest, args.grad.size());
}

void tensor_conv(const ConvArgs& args, const ArrayView& out, const Epilogue& epilogue);
void tensor_conv_transpose(const ConvTransposeArgs& args, const ArrayView& out, const Epilogue& epilogue);

// The gradients of grains of samples, each into an array of the weight's shape.
class TensorWeightGradient {
 public:
  explicit TensorWeightGradient(const ConvWeightGradientArgs& args);
  // Of `grains` grains from `first` on, each of `samples`.
  void run(float* sums, std::int64_t first, std::int64_t grains, std::int64_t samples) const;

 private:
  const ConvWeightGradientArgs& args_;
  ArrayView grad_, x_;
};

}  // namespace stretto
