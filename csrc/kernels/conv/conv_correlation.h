// A convolution as a list of taps.
#pragma once

#include "kernels/conv/conv.h"
#include "kernels/conv/correlation.h"

namespace stretto {

// `taps` holds args.taps() entries and must outlive the result.
STRETTO_INLINE Correlation correlation_of(const ConvArgs& args, Tap* taps) {
  Correlation c;
  c.x = args.x;
  c.out = args.out;
  c.epilogue = &args.epilogue;
  c.w = args.w.data;
  c.w_output = args.w.strides.at[0];
  c.w_input = args.w.strides.at[1];
  c.groups = args.groups;
  c.inputs = c.channels = args.group_inputs();
  c.outputs = args.group_outputs();
  c.w_group = c.outputs * c.w_output;
  c.segment_channels = args.segment_channels();
  c.packed = args.packed;
  c.taps = taps;
  c.tap_count = int(args.taps());
  for (int d = 0; d < kSpatial; ++d) c.stride[d] = args.stride[d];
  const Dims& k = args.w.shape;
  for (std::int64_t z = 0; z < k.at[2]; ++z)
    for (std::int64_t y = 0; y < k.at[3]; ++y)
      for (std::int64_t x = 0; x < k.at[4]; ++x, ++taps)
        *taps = {z * args.w.strides.at[2] + y * args.w.strides.at[3] + x * args.w.strides.at[4],
                 {z * args.dilation[0] - args.before[0], y * args.dilation[1] - args.before[1],
                  x * args.dilation[2] - args.before[2]}};
  return c;
}

// f(From{}, T{}, Out{}) for the element type of x, the computation type and the result's type.
template <class F>
STRETTO_INLINE void visit_floats(DType from, DType out, F&& f) {
  if (from == DType::f32)
    f(Type<float>{}, Type<float>{}, Type<float>{});
  else if (from == DType::f64)
    f(Type<double>{}, Type<double>{}, Type<double>{});
  else if (from == DType::f16 && out == DType::f16)
    f(Type<float16>{}, Type<float>{}, Type<float16>{});
  else if (from == DType::f16)
    f(Type<float16>{}, Type<float>{}, Type<float>{});
  else if (out == DType::bf16)
    f(Type<bfloat16>{}, Type<float>{}, Type<bfloat16>{});
  else
    f(Type<bfloat16>{}, Type<float>{}, Type<float>{});
}

}  // namespace stretto
