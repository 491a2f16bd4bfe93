// Samples of groups and outputs with an element that bfloat16 parts do not hold: they are computed as with
// the highest precision.
#pragma once

#include "base/parallel.h"
#include "kernels/conv/conv.h"
#include "kernels/tile/parts.h"

namespace stretto::STRETTO_ISA {

// Whether bfloat16 parts hold all elements of a group's channels [first, last) of one sample.
inline bool is_splittable_sample(const ArrayView& x, std::int64_t n, std::int64_t first, std::int64_t last) {
  using V = Vec<float>;
  struct Axis {
    std::int64_t size, step;
  } axis[4];
  for (int d = 0; d < 4; ++d) axis[d] = {d == 0 ? last - first : x.shape[d + 1], x.strides[d + 1]};
  // The smallest step innermost, and axes that go on where the one inside them ends made one with it.
  for (int i = 0; i < 4; ++i)
    for (int j = i + 1; j < 4; ++j)
      if (axis[j].size != 1 && (axis[i].size == 1 || axis[i].step > axis[j].step)) {
        const Axis other = axis[i];
        axis[i] = axis[j];
        axis[j] = other;
      }
  for (int d = 1; d < 4; ++d)
    if (axis[0].step == 1 && axis[d].step == axis[0].size) {
      axis[0].size *= axis[d].size;
      axis[d].size = 1;
    }
  const float* const from = x.as<float>() + n * x.strides[0] + first * x.strides[1];
  PartRange range;
  for (std::int64_t i = 0; i < axis[3].size; ++i)
    for (std::int64_t j = 0; j < axis[2].size; ++j)
      for (std::int64_t k = 0; k < axis[1].size; ++k) {
        const float* const line = from + i * axis[3].step + j * axis[2].step + k * axis[1].step;
        for (std::int64_t q = 0; q < axis[0].size; q += V::lanes) {
          const std::int64_t left = axis[0].size - q;
          range.add(load_as<float, float>(line + q * axis[0].step, axis[0].step,
                                          left < V::lanes ? int(left) : V::lanes));
        }
      }
  return !range.has_outside();
}

// Elements [begin, end) along an axis.
inline void cut(ArrayView& view, int axis, std::int64_t begin, std::int64_t end) {
  if (!view.present()) return;
  view.data = static_cast<char*>(view.data) + begin * view.strides[axis] * itemsize(view.dtype);
  view.shape[axis] = end - begin;
}

// Samples [n0, n1) of outputs [o0, o1) of one group, as a convolution of its own.
inline ConvArgs part_of(ConvArgs args, std::int64_t group, std::int64_t n0, std::int64_t n1, std::int64_t o0,
                        std::int64_t o1) {
  const std::int64_t inputs = args.group_inputs(), o = group * args.group_outputs();
  cut(args.x, 0, n0, n1);
  cut(args.x, 1, group * inputs, (group + 1) * inputs);
  cut(args.w, 0, o + o0, o + o1);
  Epilogue& e = args.epilogue;
  for (ArrayView* view : {&args.out, &e.bias, &e.scale, &e.shift, &e.residual}) {
    cut(*view, 0, n0, n1);
    cut(*view, 1, o + o0, o + o1);
  }
  args.groups = 1;
  args.packed = nullptr;
  args.precision = Precision::highest;
  return args;
}

// of_outputs[group][output]: whether parts do not hold all its weights.
inline void convolve_unsplittable(const ConvArgs& args, const bool* of_outputs, int threads) {
  constexpr double kElementsPerThread = 1 << 18;
  const std::int64_t samples = args.x.shape[0], inputs = args.group_inputs(), outputs = args.group_outputs(),
                     count = samples * args.groups;
  const Scratch of_samples(count);  // [sample][group]
  const auto per_thread = std::int64_t(double(args.x.size()) / kElementsPerThread) + 1;
  parallel_for(
      count, 1, per_thread < threads ? int(per_thread) : threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t first = i % args.groups * inputs;
          of_samples.as<bool>()[i] = !is_splittable_sample(args.x, i / args.groups, first, first + inputs);
        }
      });
  const auto redo = [&](auto... range) {
    const ConvArgs again = part_of(args, range...);
    select_conv(again, this_machine(), nullptr).run(again, threads);
  };
  for (std::int64_t group = 0; group < args.groups; ++group) {
    for (std::int64_t n = 0; n < samples; ++n)
      if (of_samples.as<bool>()[n * args.groups + group]) redo(group, n, n + 1, 0, outputs);
    for (std::int64_t o = 0; o < outputs; ++o)
      if (of_outputs[group * outputs + o]) redo(group, 0, samples, o, o + 1);
  }
}

}  // namespace stretto::STRETTO_ISA
