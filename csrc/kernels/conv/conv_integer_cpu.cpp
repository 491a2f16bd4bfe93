// Convolution of integers and bool for one instruction set: the pixels kernel. Sums wrap modulo 2^32 or 2^64,
// so that narrower results are exact modulo their own size whatever the sign; a bool is whether the sum of
// products is not zero.
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/pixels.h"

namespace stretto::STRETTO_ISA {

void conv_integer(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  if (args.out.dtype == DType::i32 && args.x.dtype != DType::i32)
    return visit_narrow(args.x.dtype, args.w.dtype, [&](auto x, auto w) {
      using X = typename decltype(x)::type;
      run_pixels<X, std::int32_t, std::int32_t, typename decltype(w)::type, std::int32_t>(c, threads);
    });
  switch (itemsize(args.x.dtype)) {
    case 1:
      if (args.x.dtype == DType::boolean) return run_pixels<bool, std::int32_t, bool>(c, threads);
      return run_pixels<std::int8_t, std::int32_t, std::int8_t>(c, threads);
    case 2:
      return run_pixels<std::int16_t, std::int32_t, std::int16_t>(c, threads);
    case 4:
      return run_pixels<std::int32_t, std::int32_t, std::int32_t>(c, threads);
    default:
      return run_pixels<std::int64_t, std::int64_t, std::int64_t>(c, threads);
  }
}

}  // namespace stretto::STRETTO_ISA
