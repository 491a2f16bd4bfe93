// The pixels kernel of convolution for one instruction set.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/pixels.h"

namespace stretto::STRETTO_ISA {

void conv_pixels(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  visit_floats(args.x.dtype, args.out.dtype, [&](auto from, auto compute, auto out) {
    run_pixels<typename decltype(from)::type, typename decltype(compute)::type, typename decltype(out)::type>(
        c, threads);
  });
}

std::int64_t conv_pixels_bytes(const ConvArgs& args) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  return args.w.dtype == DType::f64 ? pixels_packed_size<double>(c) * 8 : pixels_packed_size<float>(c) * 4;
}

void conv_pixels_pack(const ConvArgs& args, void* packed) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  visit_floats(args.w.dtype, args.w.dtype, [&](auto from, auto compute, auto) {
    using T = typename decltype(compute)::type;
    pack_pixels<typename decltype(from)::type, T>(c, static_cast<T*>(packed));
  });
}

}  // namespace stretto::STRETTO_ISA
