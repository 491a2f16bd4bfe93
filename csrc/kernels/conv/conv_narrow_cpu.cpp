// Convolution of integers of 8 and 16 bits for one instruction set, to int32 or modulo their own size: the
// channels kernel, a group of channels a step. VNNI is for bytes alone.
#include "kernels/conv/channel_groups.h"
#include "kernels/conv/channels.h"
#include "kernels/conv/conv_correlation.h"

namespace stretto::STRETTO_ISA {
namespace {

#if defined(__AVX512VNNI__)
constexpr int kLargestItem = 1;
#else
constexpr int kLargestItem = 2;
#endif

template <class X, class W, class Out>
void convolve(const Correlation& c, int threads) {
  if constexpr (sizeof(W) <= kLargestItem) run_steps<ChannelGroups<X, W, Out>, Out>(grouped<W>(c), threads);
}

// f(Type<W>{}, c) for the weight's type.
template <class F>
void visit_weight(const ConvArgs& args, F&& f) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  if (args.w.dtype == DType::i8)
    f(Type<std::int8_t>{}, grouped<std::int8_t>(c));
  else if (args.w.dtype == DType::u8)
    f(Type<std::uint8_t>{}, grouped<std::uint8_t>(c));
  else if constexpr (kLargestItem > 1)
    f(Type<std::int16_t>{}, grouped<std::int16_t>(c));
}

}  // namespace

void conv_narrow(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  const Correlation c = correlation_of(args, taps.as<Tap>());
  if (args.out.dtype == DType::i32)
    return visit_narrow(args.x.dtype, args.w.dtype, [&](auto x, auto w) {
      convolve<typename decltype(x)::type, typename decltype(w)::type, std::int32_t>(c, threads);
    });
  switch (args.out.dtype) {
    case DType::i8:
      return convolve<std::int8_t, std::int8_t, std::int8_t>(c, threads);
    case DType::u8:
      return convolve<std::uint8_t, std::uint8_t, std::uint8_t>(c, threads);
    default:  // modulo 2^16, whatever the sign
      return convolve<std::int16_t, std::int16_t, std::int16_t>(c, threads);
  }
}

// Packed weights serve with either kind of x.
std::int64_t conv_narrow_bytes(const ConvArgs& args) {
  std::int64_t size = 0;
  visit_weight(args, [&](auto type, const Correlation& c) {
    using W = typename decltype(type)::type;
    size = ChannelGroups<W, W, W>::packed_size(c);
  });
  return size * std::int64_t(sizeof(std::int32_t));
}

void conv_narrow_pack(const ConvArgs& args, void* packed) {
  visit_weight(args, [&](auto type, const Correlation& c) {
    pack_channel_groups<typename decltype(type)::type>(c, static_cast<std::int32_t*>(packed), 1);
  });
}

}  // namespace stretto::STRETTO_ISA
