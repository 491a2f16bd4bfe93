// Convolution on AMX: bfloat16 by the contract's pairs, and float32 in bfloat16 parts where less than the
// highest precision is asked for.
#include "kernels/conv/amx_block.h"
#include "kernels/conv/amx_merged.h"
#include "kernels/conv/conv_correlation.h"
#include "kernels/conv/unsplittable.h"

namespace stretto::STRETTO_ISA {
namespace {

// The convolution with its weights packed, if they are not yet.
template <class From, int parts>
class PackedCorrelation {
 public:
  PackedCorrelation(const ConvArgs& args, int threads)
      : taps_(args.taps() * std::int64_t(sizeof(Tap))),
        correlation_(correlation_of(args, taps_.as<Tap>())),
        packing_(args.packed ? 0 : AmxWeights<parts>::bytes(correlation_)) {
    if (args.packed) return;
    pack_amx_weights<From, parts>(correlation_, packing_.template as<void>(), threads);
    correlation_.packed = packing_.template as<void>();
  }
  const Correlation& operator*() const { return correlation_; }

 private:
  const Scratch taps_;
  Correlation correlation_;
  const Scratch packing_;
};

template <int parts>
void convolve_parts(const ConvArgs& args, int threads) {
  const PackedCorrelation<float, parts> c(args, threads);
  run_amx<float, float, parts>(*c, threads);
  convolve_unsplittable(args, AmxWeights<parts>(*c, (*c).packed).marks, threads);
}

template <class From, int parts>
std::int64_t bytes(const ConvArgs& args) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  return AmxWeights<parts>::bytes(correlation_of(args, taps.as<Tap>()));
}

template <class From, int parts>
void pack(const ConvArgs& args, void* packed) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  pack_amx_weights<From, parts>(correlation_of(args, taps.as<Tap>()), packed, 1);
}

}  // namespace

void conv_pairs(const ConvArgs& args, int threads) {
  const PackedCorrelation<bfloat16, 1> c(args, threads);
  if (args.out.dtype == DType::f32)
    run_amx<bfloat16, float, 1>(*c, threads);
  else
    run_amx<bfloat16, bfloat16, 1>(*c, threads);
}
std::int64_t conv_pairs_bytes(const ConvArgs& args) { return bytes<bfloat16, 1>(args); }
void conv_pairs_pack(const ConvArgs& args, void* packed) { pack<bfloat16, 1>(args, packed); }

void conv_merged(const ConvArgs& args, int threads) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  Correlation c = correlation_of(args, taps.as<Tap>());
  const Scratch packing(c.packed ? 0 : merged_weights_bytes(c));
  if (!c.packed) {
    pack_merged_weights(c, packing.as<void>());
    c.packed = packing.as<void>();
  }
  if (args.out.dtype == DType::f32)
    run_merged<float>(c, threads);
  else
    run_merged<bfloat16>(c, threads);
}
std::int64_t conv_merged_bytes(const ConvArgs& args) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  return merged_weights_bytes(correlation_of(args, taps.as<Tap>()));
}
void conv_merged_pack(const ConvArgs& args, void* packed) {
  const Scratch taps(args.taps() * std::int64_t(sizeof(Tap)));
  pack_merged_weights(correlation_of(args, taps.as<Tap>()), packed);
}

void conv_high(const ConvArgs& args, int threads) { convolve_parts<3>(args, threads); }
std::int64_t conv_high_bytes(const ConvArgs& args) { return bytes<float, 3>(args); }
void conv_high_pack(const ConvArgs& args, void* packed) { pack<float, 3>(args, packed); }

void conv_medium(const ConvArgs& args, int threads) { convolve_parts<2>(args, threads); }
std::int64_t conv_medium_bytes(const ConvArgs& args) { return bytes<float, 2>(args); }
void conv_medium_pack(const ConvArgs& args, void* packed) { pack<float, 2>(args, packed); }

}  // namespace stretto::STRETTO_ISA
