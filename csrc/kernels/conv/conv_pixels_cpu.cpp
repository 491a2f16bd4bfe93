// The pixels kernel of convolution for one instruction set.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/correlate.h"
#include "kernels/conv/pixels.h"

namespace stretto::STRETTO_ISA {

void correlate_pixels(DType from, DType out, const Correlation& c, int threads) {
  visit_floats(from, out, [&](auto from, auto compute, auto out) {
    run_pixels<typename decltype(from)::type, typename decltype(compute)::type, typename decltype(out)::type>(
        c, threads);
  });
}

std::int64_t correlate_pixels_bytes(DType from, const Correlation& c) {
  return from == DType::f64 ? pixels_packed_size<double>(c) * 8 : pixels_packed_size<float>(c) * 4;
}

void correlate_pixels_pack(DType from, const Correlation& c, void* packed) {
  visit_floats(from, from, [&](auto from, auto compute, auto) {
    using T = typename decltype(compute)::type;
    pack_pixels<typename decltype(from)::type, T>(c, static_cast<T*>(packed));
  });
}

void conv_pixels(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  correlate_pixels(args.x.dtype, args.out.dtype, correlation_of(args, taps.as<Tap>()), threads);
}

std::int64_t conv_pixels_bytes(const ConvArgs& args) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  return correlate_pixels_bytes(args.w.dtype, correlation_of(args, taps.as<Tap>()));
}

void conv_pixels_pack(const ConvArgs& args, void* packed) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  correlate_pixels_pack(args.w.dtype, correlation_of(args, taps.as<Tap>()), packed);
}

}  // namespace stretto::STRETTO_ISA
