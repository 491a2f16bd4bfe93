// Transposed convolution for one instruction set: each phase of the stride is a convolution with a stride
// of 1.
#include "kernels/conv/channels.h"
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/conv_transpose.h"

namespace stretto::STRETTO_ISA {
namespace {

// Every `step`-th element of an axis from `first` on.
STRETTO_INLINE void thin_out(ArrayView& view, int axis, std::int64_t first, std::int64_t step) {
  const std::int64_t bytes = first * view.strides.at[axis] * itemsize(view.dtype);
  if (!view.present()) return;
  view.data = static_cast<char*>(view.data) + bytes;
  view.shape.at[axis] = divide_up(view.shape.at[axis] - first, step);
  view.strides.at[axis] *= step;
}

// The taps that exist in a phase, and where they meet x.
STRETTO_INLINE int taps_of_phase(const ConvTransposeArgs& args, const std::int64_t phase[kSpatial],
                                 Tap* taps) {
  const Dims& k = args.w.shape;
  int count = 0;
  for (std::int64_t t = 0; t < args.taps(); ++t) {
    const std::int64_t index[] = {t / (k.at[3] * k.at[4]), t / k.at[4] % k.at[3], t % k.at[4]};
    Tap tap{0, {0, 0, 0}};
    bool exists = true;
    for (int d = 0; d < kSpatial; ++d) {
      const std::int64_t scaled = phase[d] + args.before[d] - index[d] * args.dilation[d];
      exists = exists && scaled % args.stride[d] == 0;
      tap.at[d] = scaled / args.stride[d];
      tap.weight += index[d] * args.w.strides.at[2 + d];
    }
    if (exists) taps[count++] = tap;
  }
  return count;
}

}  // namespace

void conv_transpose_channels(const ConvTransposeArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  Correlation c;
  c.x = args.x;
  c.w = args.w.data;
  c.w_input = args.w.strides.at[0];
  c.w_output = args.w.strides.at[1];
  c.groups = args.groups;
  c.inputs = c.channels = args.group_inputs();
  c.outputs = args.group_outputs();
  c.w_group = c.inputs * c.w_input;
  c.segment_channels = args.segment_channels();
  c.taps = taps.as<Tap>();
  for (int d = 0; d < kSpatial; ++d) c.stride[d] = 1;
  std::int64_t phase[kSpatial];
  for (phase[0] = 0; phase[0] < args.stride[0] && phase[0] < args.out.shape.at[2]; ++phase[0]) {
    for (phase[1] = 0; phase[1] < args.stride[1] && phase[1] < args.out.shape.at[3]; ++phase[1]) {
      for (phase[2] = 0; phase[2] < args.stride[2] && phase[2] < args.out.shape.at[4]; ++phase[2]) {
        c.out = args.out;
        Epilogue epilogue = args.epilogue;
        for (ArrayView* view : {&c.out, &epilogue.bias, &epilogue.scale, &epilogue.shift, &epilogue.residual})
          for (int d = 0; d < kSpatial; ++d) thin_out(*view, 2 + d, phase[d], args.stride[d]);
        c.epilogue = &epilogue;
        c.tap_count = taps_of_phase(args, phase, taps.as<Tap>());
        visit_floats(args.x.dtype, args.out.dtype, [&](auto from, auto compute, auto out) {
          run_channels<typename decltype(from)::type, typename decltype(compute)::type,
                       typename decltype(out)::type>(c, threads);
        });
      }
    }
  }
}

}  // namespace stretto::STRETTO_ISA
