// The channels kernel of convolution for one instruction set.
#include "kernels/conv/channels.h"
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/correlate.h"

namespace stretto::STRETTO_ISA {

void correlate_channels(DType from, DType out, const Correlation& c, int threads) {
  visit_floats(from, out, [&](auto from, auto compute, auto out) {
    run_channels<typename decltype(from)::type, typename decltype(compute)::type,
                 typename decltype(out)::type>(c, threads);
  });
}

std::int64_t correlate_channels_bytes(DType from, const Correlation& c) {
  return from == DType::f64 ? channels_packed_size<double>(c) * 8 : channels_packed_size<float>(c) * 4;
}

void correlate_channels_pack(DType from, const Correlation& c, void* packed, int threads) {
  visit_floats(from, from, [&](auto from, auto compute, auto) {
    using T = typename decltype(compute)::type;
    pack_channels<typename decltype(from)::type, T>(c, static_cast<T*>(packed), threads);
  });
}

void conv_channels(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  correlate_channels(args.x.dtype, args.out.dtype, correlation_of(args, taps.as<Tap>()), threads);
}

std::int64_t conv_channels_bytes(const ConvArgs& args) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  return correlate_channels_bytes(args.w.dtype, correlation_of(args, taps.as<Tap>()));
}

void conv_channels_pack(const ConvArgs& args, void* packed) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  correlate_channels_pack(args.w.dtype, correlation_of(args, taps.as<Tap>()), packed, 1);
}

}  // namespace stretto::STRETTO_ISA
