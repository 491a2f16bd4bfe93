// Convolutions in bfloat16 parts against plain loops, bit for bit.
#include <cstdio>
#include <memory>
#include <vector>

#include "arrays.h"
#include "base/machine.h"
#include "kernels/conv/conv.h"
#include "kernels/offset.h"
#include "parts.h"

namespace stretto::testing {
namespace {

// Of one output: the weights and what they meet, (tap, channel), each tap padded to whole blocks.
void fill_terms(const ConvArgs& args, const std::int64_t (&at)[5], std::vector<float>& w,
                std::vector<float>& x) {
  const Dims& k = args.w.shape;
  const std::int64_t channels = args.group_inputs(), padded = (channels + 31) / 32 * 32,
                     group = at[1] / args.group_outputs();
  w.assign(std::size_t(args.taps() * padded), 0);
  x.assign(w.size(), 0);
  for (std::int64_t tap = 0; tap < args.taps(); ++tap) {
    const std::int64_t t[] = {tap / (k[3] * k[4]), tap / k[4] % k[3], tap % k[4]};
    std::int64_t place = at[0] * args.x.strides[0] + group * channels * args.x.strides[1];
    std::int64_t weight = at[1] * args.w.strides[0];
    bool inside = true;
    for (int d = 0; d < kSpatial; ++d) {
      const std::int64_t p = at[2 + d] * args.stride[d] + t[d] * args.dilation[d] - args.before[d];
      inside = inside && p >= 0 && p < args.x.shape[2 + d];
      place += p * args.x.strides[2 + d];
      weight += t[d] * args.w.strides[2 + d];
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto i = std::size_t(tap * padded + c);
      w[i] = args.w.as<float>()[weight + c * args.w.strides[1]];
      if (inside) x[i] = args.x.as<float>()[place + c * args.x.strides[1]];
    }
  }
}

// Whether parts hold all elements of what has index `at` along the given axes.
bool are_splittable(const ArrayView& view, std::int64_t first, std::int64_t last, int axis,
                    std::int64_t index) {
  for (std::int64_t i = 0; i < view.shape.product(); ++i) {
    std::int64_t at[5];
    for (std::int64_t d = 4, left = i; d >= 0; left /= view.shape[int(d)], --d)
      at[d] = left % view.shape[int(d)];
    if (at[axis] != index || at[1] < first || at[1] >= last) continue;
    if (!is_splittable(view.as<float>()[offset_of(i, view.shape, view.strides)])) return false;
  }
  return true;
}

}  // namespace

// One random convolution; returns the number of failures.
int amx_convolution(Random& random, int number) {
  const std::int64_t n = pick(random, 1, 3), groups = chance(random, 0.2) ? 2 : 1, rank = pick(random, 1, 3);
  const std::int64_t inputs = pick(random, 24, chance(random, 0.1) ? 500 : 80), outputs = pick(random, 1, 70);
  ConvArgs args;
  args.groups = groups;
  Dims x = dims({n, groups * inputs}), w = dims({groups * outputs, inputs}),
       out = dims({n, groups * outputs});
  for (int d = 0; d < kSpatial; ++d) {
    const bool used = d >= kSpatial - rank;
    const std::int64_t taps = used ? pick(random, 1, 3) : 1;
    args.stride[d] = used ? pick(random, 1, 3) : 1;
    args.dilation[d] = used ? pick(random, 1, 2) : 1;
    args.before[d] = used ? pick(random, 0, 2) : 0;
    const std::int64_t reach = (taps - 1) * args.dilation[d] + 1;
    x.push(used ? pick(random, reach, reach + (rank == 3 ? 4 : rank == 2 ? 9 : 50)) : 1);
    w.push(taps);
    out.push((x[2 + d] + (used ? args.before[d] + pick(random, 0, 1) : 0) - reach) / args.stride[d] + 1);
  }
  const auto layout = chance(random, 0.5) ? Array::Layout::contiguous : Array::Layout::random;
  Array x_array(random, {DType::f32, x}, layout), w_array(random, {DType::f32, w}, layout),
      out_array(random, {DType::f32, out}, layout),
      expected(random, {DType::f32, out}, Array::Layout::contiguous),
      highest(random, {DType::f32, out}, Array::Layout::contiguous);
  x_array.fill(random, chance(random, 0.8) ? Values::ordinary : Values::special);
  w_array.fill(random, chance(random, 0.8) ? Values::ordinary : Values::special);
  args.x = x_array.view();
  args.w = w_array.view();
  args.out = highest.view();
  select_conv(args, this_machine(), "conv_reference").run(args, 1);
  std::vector<char> fine_samples, fine_outputs;
  for (std::int64_t i = 0; i < n * groups; ++i)
    fine_samples.push_back(
        are_splittable(args.x, i % groups * inputs, (i % groups + 1) * inputs, 0, i / groups));
  for (std::int64_t o = 0; o < groups * outputs; ++o)
    fine_outputs.push_back(are_splittable(args.w, 0, inputs, 0, o));

  int failures = 0;
  for (const bool high : {true, false}) {
    args.precision = high ? Precision::high : Precision::medium;
    std::vector<float> w_terms, x_terms;
    for (std::int64_t i = 0; i < out.product(); ++i) {
      std::int64_t at[5];
      for (std::int64_t d = 4, left = i; d >= 0; left /= out[int(d)], --d) at[d] = left % out[int(d)];
      float value = highest.view().as<float>()[i];
      if (fine_samples[std::size_t(at[0] * groups + at[1] / outputs)] && fine_outputs[std::size_t(at[1])]) {
        fill_terms(args, at, w_terms, x_terms);
        const Line a{x_terms.data(), 1}, b{w_terms.data(), 1};
        const auto k = std::int64_t(w_terms.size());
        value = high ? dot_of_parts(a, b, k, kHigh) : dot_of_parts(a, b, k, kMedium);
      }
      expected.view().as<float>()[i] = value;
    }
    const ConvVariant& variant =
        select_conv(args, this_machine(), high ? "conv_high_avx512amx" : "conv_medium_avx512amx");
    std::unique_ptr<unsigned char[]> packed;
    args.out = out_array.view();
    if (chance(random, 0.5)) {
      packed.reset(new unsigned char[std::size_t(variant.packed_bytes(args))]);
      variant.pack(args, packed.get());
      args.packed = packed.get();
    }
    for (const int threads : {1, 3}) {
      out_array.fill_with_bytes(0xff);
      variant.run(args, threads);
      const std::int64_t wrong = differences(out_array.view(), expected.view());
      if (!wrong && out_array.guards_are_intact()) continue;
      std::printf(
          "FAILED call %d, %s, threads %d: %ld samples, %ld groups of %ld to %ld channels: %ld elements "
          "differ\n",
          number, variant.name, threads, long(n), long(groups), long(inputs), long(outputs), long(wrong));
      ++failures;
    }
    args.packed = nullptr;
  }
  return failures;
}

}  // namespace stretto::testing
