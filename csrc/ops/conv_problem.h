// The geometry of a convolution of any kind: attributes and shapes checked once, as three spatial axes.
#pragma once

#include "ops/op.h"

namespace stretto {

struct ConvProblem {
  const char* op;
  int rank;  // spatial axes: 1, 2 or 3; the first 3 - rank entries below are 1 (padding: 0)
  bool channels_last = false;
  std::int64_t samples = 0, channels = 0, outputs = 0, groups = 1;
  std::int64_t in[3] = {1, 1, 1}, kernel[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  std::int64_t stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, before[3] = {0, 0, 0}, after[3] = {0, 0, 0};
  bool same = false;

  // (samples, channels, sizes...) in the layout of the problem. Throws ShapeError when it has 2^60 elements
  // or more.
  Dims in_layout(std::int64_t channel_count, const std::int64_t sizes[3]) const;
  Dims result() const { return in_layout(outputs, out); }
  double terms() const;  // of one output's sum of products
};

// x (N, C, ...), w (O, C / groups, ...): the forward problem, padding resolved.
ConvProblem conv_problem(const char* op, int rank, const Dims& x, const Dims& w,
                         const Attributes& attributes);

// x (N, C, ...), w (C, O / groups, ...): the transposed problem; `in` is x's, `out` the result's.
ConvProblem conv_transpose_problem(const char* op, int rank, const Dims& x, const Dims& w,
                                   const Attributes& attributes);

// The same problem with a small x that gives outputs in every phase of the stride.
ConvProblem least_conv_transpose_problem(const char* op, int rank, const Dims& w,
                                         const Attributes& attributes);

// A view in the problem's layout as (N, C, D, H, W).
ArrayView as_volume(const ArrayView& view, int rank, bool channels_last);

// bias, scale and shift, (O,), made to broadcast along the channel axis; a residual is left as it is.
// The types first (checked), then the views.
void check_conv_epilogue(const ConvProblem& problem, std::span<const ValueType> operands, DType dtype,
                         const Attributes& attributes);
std::vector<ArrayView> along_channels(const ConvProblem& problem, std::span<const ArrayView> operands);

// batch rule of ops with inputs (x, w, bias, scale, shift, residual).
int conv_batch(const Types& inputs, const std::vector<int>& axes, const Attributes& attributes);

}  // namespace stretto
