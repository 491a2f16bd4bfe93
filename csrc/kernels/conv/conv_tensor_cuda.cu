#include "kernels/conv/conv_tensor_cuda.h"

#include "kernels/conv/phase_axis.h"
#include "kernels/conv/tensor_patches_cuda.h"
#include "kernels/tile/tensor_product_cuda.h"

namespace stretto {
namespace {

// The same memory by six axes.
ArrayView with_axes(const ArrayView& view, const std::int64_t (&shape)[6], const std::int64_t (&strides)[6]) {
  ArrayView result = view;
  result.shape.count = result.strides.count = 6;
  for (int d = 0; d < 6; ++d) {
    result.shape[d] = shape[d];
    result.strides[d] = strides[d];
  }
  return result;
}

// Whether axes [begin, end) are one: steps of the last lead through all.
bool are_one_axis(const ArrayView& view, int begin, int end, std::int64_t step) {
  for (int d = end - 1; d >= begin; --d) {
    if (view.shape[d] != 1 && view.strides[d] != step) return false;
    step *= view.shape[d];
  }
  return true;
}

// (N, D, H, W, groups, channels of one) of an array (N, C, D, H, W).
ArrayView channels_last(const ArrayView& x, std::int64_t groups) {
  const Dims &n = x.shape, &s = x.strides;
  const std::int64_t channels = n[1] / groups;
  return with_axes(x, {n[0], n[2], n[3], n[4], groups, channels},
                   {s[0], s[2], s[3], s[4], channels * s[1], s[1]});
}

// From the first to the last element.
std::int64_t reach_in_pieces(const ArrayView& view) {
  std::int64_t reach = 0;
  for (int d = 0; d < view.shape.count; ++d) reach += (view.shape[d] - 1) * size_of_stride(view.strides[d]);
  return reach * itemsize(view.dtype) / kPieceBytes;
}

ArrayView in_pieces(const ArrayView& pixels, const Place& place) {
  const bool is_usable = has_pieces(pixels, 5) && reach_in_pieces(pixels) < kMostIndices;
  return is_usable ? pixels : copy_once_in_pieces(pixels, place);
}

// Pixels that are one axis.
ArrayView in_columns(const ArrayView& pixels, const Place& place) {
  const bool is_usable = has_pieces(pixels, 5) && are_one_axis(pixels, 0, 4, pixels.strides[3]);
  return is_usable ? pixels : copy_in_pieces(pixels, place);
}

// Weights (groups, outputs of one, KD, KH, KW, inputs of one), of which the last four axes are one.
ArrayView in_lines(const ArrayView& view, const Place& place) {
  const std::int64_t channels = view.shape[5];
  const bool is_usable =
      has_pieces(view, 5) && channels == whole_pieces(channels, view.dtype) && are_one_axis(view, 2, 6, 1);
  return is_usable ? view : copy_in_pieces(view, place, true);
}

MatrixFactor<Neighbours::along_k> rows_of(const ArrayView& w) {
  const std::int64_t terms = w.shape[2] * w.shape[3] * w.shape[4] * whole_pieces(w.shape[5], w.dtype);
  const int size = itemsize(w.dtype);
  return {w.as<const char>(),
          w.strides[1] * size,
          0,
          counted("the channels of a group", w.shape[1]),
          counted("the bytes of a sum's weights", terms * size) / size,
          size,
          true};
}

// How pixels and taps lead through x in space.
struct Steps {
  std::int64_t pixels[kSpatial], taps[kSpatial];          // how many
  std::int64_t pixel_step[kSpatial], tap_step[kSpatial];  // in positions
  std::int64_t first[kSpatial];                           // the position of the first pixel's first tap

  Steps() = default;
  // Of a convolution with so many outputs and taps along each axis, or of its weight's gradient.
  template <class Args>
  Steps(const Args& args, const std::int64_t* outputs, const std::int64_t* kernel) {
    for (int d = 0; d < kSpatial; ++d) {
      pixels[d] = outputs[d];
      taps[d] = kernel[d];
      pixel_step[d] = args.stride[d];
      tap_step[d] = args.dilation[d];
      first[d] = -args.before[d];
    }
  }
};

template <bool kAlongK>
PatchFactor<kAlongK> patches_of(const ArrayView& x, std::int64_t samples, const Steps& steps) {
  const int size = itemsize(x.dtype), channels = counted("a channel", x.shape[5] * size);
  PatchFactor<kAlongK> factor{x.as<const char>(), x.as<const char>(), {}, {}, {}, size};
  FourAxes pixels, taps;
  const auto small = [](std::int64_t step) {
    return counted("a step in x", size_of_stride(step)) * (step < 0 ? -1 : 1);
  };
  const auto pieces = [&](std::int64_t elements) { return small(elements * size / kPieceBytes); };
  pixels.size[0] = samples;
  taps.size[3] = whole_pieces(x.shape[5], x.dtype) * size / kPieceBytes;
  factor.pixels.pieces[0] = x.shape[0] == 1 ? 0 : pieces(x.strides[0]);
  factor.taps.pieces[3] = 1;
  for (int d = 0; d < kSpatial; ++d) {
    const std::int64_t stride = x.shape[1 + d] == 1 ? 0 : x.strides[1 + d];
    factor.data += steps.first[d] * stride * size;
    factor.size[d] = counted("an axis", x.shape[1 + d]);
    pixels.size[1 + d] = steps.pixels[d];
    taps.size[d] = steps.taps[d];
    factor.pixels.pieces[1 + d] = pieces(steps.pixel_step[d] * stride);
    factor.taps.pieces[d] = pieces(steps.tap_step[d] * stride);
    factor.pixels.position[d] = small(steps.pixel_step[d]);
    factor.taps.position[d] = small(steps.tap_step[d]);
    factor.pixels.first[d] = small(steps.first[d]);
  }
  counted("x in pieces of 16 bytes", reach_in_pieces(x));
  factor.pixels.counts = FourCounts(pixels);
  factor.pixels.count = counted("the pixels", pixels.count());
  factor.pixels.bytes = kPieceBytes;
  factor.taps.counts = FourCounts(taps);
  factor.taps.count = counted("the terms", taps.count());
  factor.taps.bytes = channels;
  factor.taps.fewer = kPieceBytes;
  return factor;
}

void run(const char* name, const ArrayView& w, const ArrayView& x, TensorKind kind, PatchResults finish,
         std::int64_t samples, const Steps& steps) {
  const auto rows = rows_of(w);
  const PatchFactor<true> columns = patches_of<true>(x, samples, steps);
  finish.a_group = w.strides[0];
  finish.x_group = x.strides[4];
  finish.groups = Divider(w.shape[0]);
  finish.counts = columns.pixels.counts;
  run_tensor_product(*x.place, name, rows, columns, kind, rows.count, columns.pixels.count,
                     std::int64_t(rows.k) * rows.size, finish, w.shape[0]);
}

}  // namespace

void tensor_conv(const ConvArgs& args, const ArrayView& out, const Epilogue& epilogue) {
  const Place& place = *out.place;
  const Dims &shape = args.w.shape, &s = args.w.strides;
  const std::int64_t outputs = args.group_outputs();
  const ArrayView w =
      in_lines(with_axes(args.w, {args.groups, outputs, shape[2], shape[3], shape[4], shape[1]},
                         {outputs * s[0], s[0], s[2], s[3], s[4], s[1]}),
               place);
  const Steps steps(args, out.shape.at + 2, shape.at + 2);
  run("conv", w, in_pieces(channels_last(args.x, args.groups), place),
      tensor_kind(args.x.dtype, args.precision),
      results_of_channels(out, epilogue, args.x.dtype, outputs, {1, 1, 1}, {0, 0, 0}), out.shape[0], steps);
}

void tensor_conv_transpose(const ConvTransposeArgs& args, const ArrayView& out, const Epilogue& epilogue) {
  const Place& place = *out.place;
  const Dims& s = args.w.strides;
  const std::int64_t outputs = args.group_outputs(), inputs = args.group_inputs();
  const ArrayView x = in_pieces(channels_last(args.x, args.groups), place);
  each_phase(args, [&](const std::int64_t (&phase)[kSpatial]) {
    Steps steps;
    ArrayView w = args.w;
    for (int d = 0; d < kSpatial; ++d) {
      const PhaseAxis axis(args, d, phase[d]);
      w.data = w.as<char>() + axis.first_tap * s[2 + d] * itemsize(w.dtype);
      w.strides[2 + d] = axis.tap_step * s[2 + d];
      steps.pixels[d] = axis.outputs;
      steps.taps[d] = axis.taps;
      steps.pixel_step[d] = 1;
      steps.tap_step[d] = axis.position_step;
      steps.first[d] = axis.position;
    }
    if (steps.pixels[0] * steps.pixels[1] * steps.pixels[2] == 0) return;
    const ArrayView lines =
        with_axes(w, {args.groups, outputs, steps.taps[0], steps.taps[1], steps.taps[2], inputs},
                  {inputs * s[0], s[1], w.strides[2], w.strides[3], w.strides[4], s[0]});
    run("conv_transpose", in_lines(lines, place), x, tensor_kind(args.x.dtype, Precision::highest),
        results_of_channels(out, epilogue, args.x.dtype, outputs, args.stride, phase), out.shape[0], steps);
  });
}

TensorWeightGradient::TensorWeightGradient(const ConvWeightGradientArgs& args)
    : args_(args),
      grad_(in_columns(channels_last(args.grad, args.groups), *args.out.place)),
      x_(in_pieces(channels_last(args.x, args.groups), *args.out.place)) {}

void TensorWeightGradient::run(float* sums, std::int64_t first, std::int64_t grains,
                               std::int64_t samples) const {
  const Dims& shape = args_.out.shape;
  const ArrayView result = contiguous_view(sums + first * shape.product(), DType::f32, shape);
  const Epilogue nothing{};  // `axes` looks at it for as long as it lives
  const ResultSteps axes(result, nothing);
  const Steps steps(args_, grad_.shape.at + 1, shape.at + 2);
  PatchFactor<false> columns = patches_of<false>(x_, samples, steps);
  const int size = itemsize(x_.dtype), outputs = counted("the channels of a group", grad_.shape[5]);
  GradientResults finish{};
  finish.results = Results(result, nothing, DType::f32);
  finish.channels = int(shape[1]);
  finish.a_part = args_.grain * grad_.strides[0];
  finish.x_part = args_.grain * x_.strides[0];
  finish.part[kOut] = shape.product();
  finish.a_group = grad_.strides[4];
  finish.x_group = x_.strides[4];
  finish.groups = Divider(args_.groups);
  axes.fill(finish.row, 0);
  axes.fill(finish.group, 0, outputs);
  FourAxes counts;
  counts.size[3] = whole_pieces(shape[1], x_.dtype);
  axes.fill(finish.column[3], 1);
  for (int d = 0; d < kSpatial; ++d) {
    counts.size[d] = shape[2 + d];
    axes.fill(finish.column[d], 2 + d);
  }
  finish.counts = FourCounts(counts);
  columns.data += first * finish.x_part * size;
  const MatrixFactor<Neighbours::across_k> rows{grad_.as<const char>() + first * finish.a_part * size,
                                                0,
                                                grad_.strides[3] * size,
                                                outputs,
                                                columns.pixels.count,
                                                size,
                                                false};
  run_tensor_product(*args_.out.place, "conv_weight_gradient", rows, columns,
                     tensor_kind(x_.dtype, Precision::highest), outputs, counted("the terms", counts.count()),
                     std::int64_t(rows.k) * size, finish, grains * args_.groups);
}

}  // namespace stretto
