// The contract as plain loops: oracle of every other variant, and last row of the table.
#include "kernels/conv/conv.h"
#include "kernels/dot_reference.h"
#include "kernels/epilogue_reference.h"
#include "kernels/offset.h"

namespace stretto {
namespace {

// The element that tap t meets at output position p of one sample and group; +0 outside.
template <class T>
T padded(const ConvArgs& args, const T* x, const std::int64_t p[kSpatial], const std::int64_t t[kSpatial]) {
  for (int d = 0; d < kSpatial; ++d) {
    const std::int64_t i = p[d] * args.stride[d] + t[d] * args.dilation[d] - args.before[d];
    if (i < 0 || i >= args.x.shape[2 + d]) return T{};
    x += i * args.x.strides[2 + d];
  }
  return *x;
}

template <class T, class X, class W>
void push_term(const ConvArgs& args, Dot<T>& dot, const X* x, const W* w, std::int64_t c, std::int64_t tap,
               const std::int64_t p[kSpatial]) {
  const Dims& k = args.w.shape;
  const std::int64_t t[] = {tap / (k[3] * k[4]), tap / k[4] % k[3], tap % k[4]};
  const W* wp = w + c * args.w.strides[1];
  for (int d = 0; d < kSpatial; ++d) wp += t[d] * args.w.strides[2 + d];
  dot.push(T(*wp), T(padded(args, x + c * args.x.strides[1], p, t)));
}

template <class T, class X, class W>
Compute<T> sum(const ConvArgs& args, const X* x, const W* w, const std::int64_t p[kSpatial]) {
  const std::int64_t channels = args.group_inputs(), taps = args.taps();
  Dot<T> dot(args.segment_channels() * taps);
  if constexpr (std::is_same_v<T,
                               bfloat16>) {  // its order is (tap, channel), blocks of whole taps from 32 on
    for (std::int64_t t = 0; t < taps; ++t) {
      for (std::int64_t c = 0; c < channels; ++c) push_term(args, dot, x, w, c, t, p);
      if (channels >= 32) dot.end_block();
    }
  } else {
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t t = 0; t < taps; ++t) push_term(args, dot, x, w, c, t, p);
  }
  return dot.total();
}

// Sums as those of elements T, of which the epilogue's operands are.
template <class X, class W, class T, class Out>
void run(const ConvArgs& args) {
  const Dims& shape = args.out.shape;
  const std::int64_t outputs = args.group_outputs();
  for (std::int64_t i = 0; i < shape.product(); ++i) {
    const std::int64_t w = i % shape[4], h = i / shape[4] % shape[3],
                       d = i / (shape[4] * shape[3]) % shape[2];
    const std::int64_t o = i / (shape[4] * shape[3] * shape[2]) % shape[1];
    const std::int64_t n = i / (shape[4] * shape[3] * shape[2] * shape[1]);
    const std::int64_t p[] = {d, h, w};
    const X* x =
        args.x.as<X>() + n * args.x.strides[0] + o / outputs * args.group_inputs() * args.x.strides[1];
    const auto z = sum<T>(args, x, args.w.as<W>() + o * args.w.strides[0], p);
    args.out.as<Out>()[offset_of(i, shape, args.out.strides)] =
        narrow<Out>(epilogue_reference<T>(args.epilogue, shape, i, z));
  }
}

}  // namespace

void conv_reference(const ConvArgs& args, int) {
  if (args.out.dtype == DType::i32 && is_narrow_integer(args.x.dtype))
    return visit_narrow(args.x.dtype, args.w.dtype, [&](auto x, auto w) {
      run<typename decltype(x)::type, typename decltype(w)::type, std::int32_t, std::int32_t>(args);
    });
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.out.dtype == args.x.dtype)
      run<T, T, T, T>(args);
    else
      run<T, T, T, Compute<T>>(args);
  });
}

}  // namespace stretto
