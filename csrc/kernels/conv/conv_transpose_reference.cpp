// The contract as plain loops: oracle of every other variant, and last row of the table.
#include "kernels/conv/conv_transpose.h"
#include "kernels/dot_reference.h"
#include "kernels/epilogue_reference.h"
#include "kernels/offset.h"

namespace stretto {
namespace {

struct Meeting {
  bool exists = true, inside = true;
  std::int64_t offset = 0;  // in x, from its channel's first element
};

// What tap t meets at output position p.
Meeting meet(const ConvTransposeArgs& args, const std::int64_t p[kSpatial], const std::int64_t t[kSpatial]) {
  Meeting m;
  for (int d = 0; d < kSpatial; ++d) {
    const std::int64_t scaled = p[d] + args.before[d] - t[d] * args.dilation[d], i = scaled / args.stride[d];
    m.exists = m.exists && scaled % args.stride[d] == 0;
    m.inside = m.inside && i >= 0 && i < args.x.shape[2 + d];
    m.offset += i * args.x.strides[2 + d];
  }
  return m;
}

template <class T>
class Sum {
 public:
  Sum(const ConvTransposeArgs& args, const std::int64_t p[kSpatial]) : args_(args), p_(p) {}

  // Pushes the term of channel c and tap number `tap`, if there is such a tap.
  bool push(Dot<T>& dot, const T* x, const T* w, std::int64_t c, std::int64_t tap) const {
    const Dims& k = args_.w.shape;
    const std::int64_t t[] = {tap / (k[3] * k[4]), tap / k[4] % k[3], tap % k[4]};
    const Meeting m = meet(args_, p_, t);
    if (!m.exists) return false;
    w += c * args_.w.strides[0];
    for (int d = 0; d < kSpatial; ++d) w += t[d] * args_.w.strides[2 + d];
    dot.push(*w, m.inside ? x[c * args_.x.strides[1] + m.offset] : T{});
    return true;
  }

  Compute<T> of(const T* x, const T* w) const {
    const std::int64_t channels = args_.group_inputs(), taps = args_.taps();
    if constexpr (std::is_same_v<T, bfloat16>) {  // (tap, channel), blocks of whole taps from 32 channels on
      Dot<T> dot;
      for (std::int64_t t = 0; t < taps; ++t) {
        for (std::int64_t c = 0; c < channels; ++c) push(dot, x, w, c, t);
        if (channels >= 32) dot.end_block();
      }
      return dot.total();
    } else {
      std::int64_t present = 0;
      Dot<T> counter;
      for (std::int64_t t = 0; t < taps && channels > 0; ++t) present += push(counter, x, w, 0, t);
      Dot<T> dot(args_.segment_channels() * present);
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t t = 0; t < taps; ++t) push(dot, x, w, c, t);
      return dot.total();
    }
  }

 private:
  const ConvTransposeArgs& args_;
  const std::int64_t* p_;
};

template <class T, class Out>
void run(const ConvTransposeArgs& args) {
  const Dims& shape = args.out.shape;
  const std::int64_t outputs = args.group_outputs(), inputs = args.group_inputs();
  for (std::int64_t i = 0; i < shape.product(); ++i) {
    const std::int64_t w = i % shape[4], h = i / shape[4] % shape[3],
                       d = i / (shape[4] * shape[3]) % shape[2];
    const std::int64_t o = i / (shape[4] * shape[3] * shape[2]) % shape[1];
    const std::int64_t n = i / (shape[4] * shape[3] * shape[2] * shape[1]);
    const std::int64_t group = o / outputs;
    const std::int64_t p[] = {d, h, w};
    const T* x = args.x.as<T>() + n * args.x.strides[0] + group * inputs * args.x.strides[1];
    const T* weight = args.w.as<T>() + group * inputs * args.w.strides[0] + o % outputs * args.w.strides[1];
    const auto z = Sum<T>(args, p).of(x, weight);
    args.out.as<Out>()[offset_of(i, shape, args.out.strides)] =
        narrow<Out>(epilogue_reference<T>(args.epilogue, shape, i, z));
  }
}

}  // namespace

void conv_transpose_reference(const ConvTransposeArgs& args, int) {
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.out.dtype == args.x.dtype)
      run<T, T>(args);
    else
      run<T, Compute<T>>(args);
  });
}

}  // namespace stretto
