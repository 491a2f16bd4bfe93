// conv, conv_transpose and the weight gradient of conv on a device.
#include "kernels/conv/conv.h"

#include "kernels/conv/conv_tensor_cuda.h"
#include "kernels/conv/patches_cuda.h"
#include "kernels/conv/phase_axis.h"

namespace stretto {
namespace {

// x as kernels read it: in the computation type, and with rows that lie together where columns walk along
// them.
ArrayView readable(const ArrayView& x, DType dtype, bool many_taps, const Place& place) {
  const bool channels_last =
      size_of_stride(x.strides[1]) < size_of_stride(x.strides[4]) && x.shape[1] > 1 && x.shape[4] > 1;
  if (x.dtype != dtype || !channels_last || !many_taps) return widened(x, dtype, place);
  const ArrayView copy = contiguous_view(place.memory(x.size() * itemsize(dtype)), dtype, x.shape, &place);
  check_words(cuda_copy(x, copy));
  return copy;
}

template <class C>
Patches<C> source_of(const ArrayView& a, const ArrayView& x, const PatchResults& finish) {
  Patches<C> source{};
  source.a_data = a.as<C>();
  source.x_data = x.as<C>();
  source.a_along_k = true;
  for (int d = 0; d < 3; ++d) source.size[d] = counted("an axis", x.shape[2 + d]);
  source.finish = finish;
  return source;
}

// Calls run(Type<C>{}, a, x) with the factors in the type that holds their dtype's sums.
template <class F>
void with_factors(const ArrayView& a, const ArrayView& x, bool many_taps, const Place& place, F&& run) {
  const Kind kind = kind_of(x.dtype);
  const DType dtype = kind == Kind::single ? DType::f32 : kind == Kind::wide ? DType::f64 : DType::i64;
  const ArrayView wide_a = widened(a, dtype, place), wide_x = readable(x, dtype, many_taps, place);
  if (kind == Kind::single)
    run(Type<float>{}, wide_a, wide_x);
  else if (kind == Kind::wide)
    run(Type<double>{}, wide_a, wide_x);
  else
    run(Type<std::uint64_t>{}, wide_a, wide_x);
}

template <class C>
void conv(const ConvArgs& args, const ArrayView& w, const ArrayView& x, const ArrayView& out,
          const Epilogue& e) {
  const DType operands = is_floating(args.x.dtype) ? args.x.dtype : out.dtype;
  Patches<C> source =
      source_of<C>(w, x, results_of_channels(out, e, operands, args.group_outputs(), {1, 1, 1}, {0, 0, 0}));
  source.m = int(args.group_outputs());
  source.a_row = w.strides[0];
  source.finish.a_group = args.group_outputs() * w.strides[0];
  source.finish.x_group = args.group_inputs() * x.strides[1];
  FourAxes terms;
  for (int d = 0; d < 4; ++d) {
    terms.size[d] = w.shape[1 + d];
    terms.a[d] = w.strides[1 + d];
    terms.x[d] = x.strides[1 + d];
    source.columns.size[d] = out.shape[d == 0 ? 0 : 1 + d];
    source.columns.x[d] = x.strides[d == 0 ? 0 : 1 + d];
  }
  for (int d = 0; d < kSpatial; ++d) {
    terms.x[1 + d] *= args.dilation[d];
    terms.position[1 + d] = counted("a dilation", args.dilation[d]);
    source.columns.x[1 + d] *= args.stride[d];
    source.columns.position[1 + d] = counted("a stride", args.stride[d]);
    source.first[d] = -counted("a padding", args.before[d]);
    source.x_data -= args.before[d] * x.strides[2 + d];
  }
  source.segment = int(args.segment_channels() * args.taps());
  run_patches<C>(*out.place, "conv", source, terms, args.groups);
}

template <class C>
void conv_transpose_phase(const ConvTransposeArgs& args, const ArrayView& w, const ArrayView& x,
                          const ArrayView& out, const Epilogue& e, const std::int64_t (&phase)[kSpatial]) {
  Patches<C> source =
      source_of<C>(w, x, results_of_channels(out, e, args.x.dtype, args.group_outputs(), args.stride, phase));
  source.m = int(args.group_outputs());
  source.a_row = w.strides[1];
  source.a_along_k = false;
  source.finish.a_group = args.group_inputs() * w.strides[0];
  source.finish.x_group = args.group_inputs() * x.strides[1];
  FourAxes terms;
  terms.size[0] = args.group_inputs();
  terms.a[0] = w.strides[0];
  terms.x[0] = x.strides[1];
  source.columns.size[0] = out.shape[0];
  source.columns.x[0] = x.strides[0];
  for (int d = 0; d < kSpatial; ++d) {
    const PhaseAxis axis(args, d, phase[d]);
    terms.size[1 + d] = axis.taps;
    terms.a[1 + d] = axis.tap_step * w.strides[2 + d];
    terms.x[1 + d] = axis.position_step * x.strides[2 + d];
    terms.position[1 + d] = int(axis.position_step);
    source.a_data += axis.first_tap * w.strides[2 + d];
    source.x_data += axis.position * x.strides[2 + d];
    source.first[d] = int(axis.position);
    source.columns.size[1 + d] = axis.outputs;
    source.columns.x[1 + d] = x.strides[2 + d];
    source.columns.position[1 + d] = 1;
  }
  const std::int64_t present = terms.size[1] * terms.size[2] * terms.size[3];
  source.segment = int(args.segment_channels() * (present > 0 ? present : 1));
  if (source.columns.count() > 0) run_patches<C>(*out.place, "conv_transpose", source, terms, args.groups);
}

template <class C>
void conv_transpose(const ConvTransposeArgs& args, const ArrayView& w, const ArrayView& x,
                    const ArrayView& out, const Epilogue& e) {
  each_phase(args, [&](const std::int64_t (&phase)[kSpatial]) {
    conv_transpose_phase<C>(args, w, x, out, e, phase);
  });
}

// The sum of the grains' gradients, level by level, into the first one: an element a thread.
template <class C>
struct SumOfGrains {
  C* grains;  // (grain, element)
  std::int64_t count, size;

  STRETTO_KERNEL void operator()(std::int64_t element) const {
    for (std::int64_t left = count; left > 1; left = (left + 1) / 2)
      for (std::int64_t j = 0; j < left; j += 2) {
        const C first = grains[j * size + element];
        grains[j / 2 * size + element] = j + 1 < left ? first + grains[(j + 1) * size + element] : first;
      }
    if (count == 0) grains[element] = C(0);
  }
};

// Grains [first, first + grains), each of `samples`, into `sums`.
template <class C>
void grain_gradients(const ConvWeightGradientArgs& args, const ArrayView& grad, const ArrayView& x, C* sums,
                     std::int64_t first, std::int64_t grains, std::int64_t samples) {
  const Dims& shape = args.out.shape;
  const std::int64_t outputs = shape[0] / args.groups, size = shape.product();
  const ArrayView result =
      contiguous_view(sums + first * size, sizeof(C) == 8 ? DType::f64 : DType::f32, shape);
  const Epilogue nothing{};  // `steps` looks at it for as long as it lives
  PatchResults finish{};
  finish.results = Results(result, nothing, result.dtype);
  finish.a_part = args.grain * grad.strides[0];
  finish.x_part = args.grain * x.strides[0];
  finish.part[kOut] = size;
  finish.a_group = outputs * grad.strides[1];
  finish.x_group = shape[1] * x.strides[1];
  Patches<C> source = source_of<C>(grad, x, finish);
  const ResultSteps steps(result, nothing);
  source.m = int(outputs);
  source.a_data += first * finish.a_part;
  source.x_data += first * finish.x_part;
  source.a_row = grad.strides[1];
  source.segment = kSegment;
  steps.fill(source.finish.row, 0);
  steps.fill(source.finish.group, 0, outputs);
  FourAxes terms;
  for (int d = 0; d < 4; ++d) {
    terms.size[d] = d == 0 ? samples : grad.shape[1 + d];
    terms.a[d] = grad.strides[d == 0 ? 0 : 1 + d];
    terms.x[d] = x.strides[d == 0 ? 0 : 1 + d];
    source.columns.size[d] = shape[1 + d];
    source.columns.x[d] = x.strides[1 + d];
    steps.fill(source.finish.column[d], 1 + d);
  }
  for (int d = 0; d < kSpatial; ++d) {
    terms.x[1 + d] *= args.stride[d];
    terms.position[1 + d] = counted("a stride", args.stride[d]);
    source.columns.x[1 + d] *= args.dilation[d];
    source.columns.position[1 + d] = counted("a dilation", args.dilation[d]);
    source.first[d] = -counted("a padding", args.before[d]);
    source.x_data -= args.before[d] * x.strides[2 + d];
  }
  run_patches<C>(*args.out.place, "conv_weight_gradient", source, terms, args.groups, grains);
}

// run(sums, first, grains, samples) makes the gradients of some grains.
template <class C, class F>
void sum_of_grains(const ConvWeightGradientArgs& args, F&& run) {
  const Place& place = *args.out.place;
  const std::int64_t size = args.out.size(), grains = args.grains();
  C* sums = place.memory<C>((grains > 0 ? grains : 1) * size * std::int64_t(sizeof(C)));
  const std::int64_t whole = args.x.shape[0] / args.grain, rest = args.x.shape[0] % args.grain;
  if (whole > 0) run(sums, 0, whole, args.grain);
  if (rest > 0) run(sums, whole, 1, rest);
  launch_elements(place, "conv_weight_gradient", size, SumOfGrains<C>{sums, grains, size});
  const DType dtype = sizeof(C) == 8 ? DType::f64 : DType::f32;
  check_words(cuda_copy(contiguous_view(sums, dtype, args.out.shape, &place), args.out));
}

}  // namespace

const char* cuda_conv(const ConvArgs& args) {
  return guarded("conv", [&] {
    if (args.out.size() == 0) return;
    with_activation(args.out, args.epilogue, [&](const ArrayView& out, const Epilogue& epilogue) {
      if (takes_tensor_cores(args)) return tensor_conv(args, out, epilogue);
      with_factors(args.w, args.x, args.taps() > 1, *out.place,
                   [&](auto type, const ArrayView& w, const ArrayView& x) {
                     conv<typename decltype(type)::type>(args, w, x, out, epilogue);
                   });
    });
  });
}

const char* cuda_conv_transpose(const ConvTransposeArgs& args) {
  return guarded("conv_transpose", [&] {
    if (args.out.size() == 0) return;
    with_activation(args.out, args.epilogue, [&](const ArrayView& out, const Epilogue& epilogue) {
      if (takes_tensor_cores(args)) return tensor_conv_transpose(args, out, epilogue);
      with_factors(args.w, args.x, args.taps() > 1, *out.place,
                   [&](auto type, const ArrayView& w, const ArrayView& x) {
                     using C = typename decltype(type)::type;
                     if constexpr (std::is_floating_point_v<C>) conv_transpose<C>(args, w, x, out, epilogue);
                   });
    });
  });
}

const char* cuda_conv_weight_gradient(const ConvWeightGradientArgs& args) {
  return guarded("conv_weight_gradient", [&] {
    if (args.out.size() == 0) return;
    if (takes_tensor_cores(args)) {
      const TensorWeightGradient gradient(args);
      return sum_of_grains<float>(args, [&](auto... grains) { gradient.run(grains...); });
    }
    with_factors(
        args.grad, args.x, true, *args.out.place, [&](auto type, const ArrayView& grad, const ArrayView& x) {
          using C = typename decltype(type)::type;
          if constexpr (std::is_floating_point_v<C>)
            sum_of_grains<C>(
                args, [&](C* sums, auto... grains) { grain_gradients<C>(args, grad, x, sums, grains...); });
        });
  });
}

}  // namespace stretto
