// The windows of a pooling op, from its attributes and x's type.
#pragma once

#include "kernels/pool_axis.h"
#include "ops/op.h"

namespace stretto {

struct PoolWindow {
  PoolAxis axis[3];  // depth, height, width; the first ones have one element where x has fewer axes
  bool channels_last = false;
  bool count_padding = true;
  Dims out;  // the result's shape

  std::int64_t taps() const { return axis[0].window * axis[1].window * axis[2].window; }
};

// Attributes kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, layout, for x of `axes`
// spatial axes. Throws ShapeError for everything that has no meaning.
PoolWindow pool_window(const char* op, int axes, const ValueType& x, const Attributes& attributes);

// One window over each whole (channel, sample); its spatial axes count as one. Attributes layout, keepdims.
PoolWindow global_window(const char* op, const ValueType& x, const Attributes& attributes);

// Attributes output_size, layout, for two spatial axes.
PoolWindow adaptive_window(const char* op, const ValueType& x, const Attributes& attributes);

// The view, (n, c, space...) or (n, space..., c), as (n, c, d, h, w).
ArrayView pool_view(const ArrayView& view, bool channels_last);
// The same for a contiguous one whose spatial axes count as one.
ArrayView global_view(const ArrayView& view, bool channels_last);

// The batch axis of the result: x's first axis stays, others mix samples.
int pool_batch(const std::vector<int>& axes);

}  // namespace stretto
