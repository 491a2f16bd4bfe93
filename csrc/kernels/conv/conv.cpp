#include "kernels/conv/conv.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/conv/correlation.h"
#include "kernels/conv/pair_order.h"
#include "kernels/cuda_table.h"

namespace stretto {

void conv_reference(const ConvArgs& args, int threads);

#define KERNEL(name)                                      \
  void conv_##name(const ConvArgs& args, int threads);    \
  std::int64_t conv_##name##_bytes(const ConvArgs& args); \
  void conv_##name##_pack(const ConvArgs& args, void* packed);
#define KERNELS(isa)                                                                                    \
  namespace isa {                                                                                       \
  KERNEL(channels)                                                                                      \
  KERNEL(points)                                                                                        \
  KERNEL(pixels) KERNEL(depthwise) KERNEL(narrow) void conv_integer(const ConvArgs& args, int threads); \
  }
KERNELS(avx512vnni)
KERNELS(avx512)
KERNELS(avx2)
KERNELS(neon)
namespace avx512amx {
KERNEL(pairs) KERNEL(merged) KERNEL(high) KERNEL(medium)
}
#undef KERNELS
#undef KERNEL

// Each machine's table has some of these.
namespace {

bool always(const ConvArgs&) { return true; }

void conv_cuda(const ConvArgs& args, int) { run_on_device("conv", &CudaTable::conv, args); }

bool is_floats(const ConvArgs& args) {
  const DType t = args.x.dtype;
  if (t == DType::bf16 && PairOrder(args.group_inputs(), args.taps()).blocks() > kMostPairBlocks)
    return false;
  return is_floating(t) && args.taps() <= kMostTaps && args.group_inputs() > 0;
}

// By the terms alone: no bit of a result may depend on its batch, its places, or how its channels are shared
// out. Fewer channels would fill less of a register than pays.
bool may_split(const ConvArgs& args) {
  return args.x.dtype == DType::f32 && args.group_inputs() >= 24 && args.taps() <= kMostTaps;
}
[[maybe_unused]] bool is_high(const ConvArgs& args) {
  return args.precision == Precision::high && may_split(args);
}
[[maybe_unused]] bool is_medium(const ConvArgs& args) {
  return args.precision == Precision::medium && may_split(args);
}

// The contract's blocks of terms are steps of a register where a tap has 32 channels.
[[maybe_unused]] bool is_pairs(const ConvArgs& args) {
  return args.x.dtype == DType::bf16 && args.group_inputs() >= kPairTerms && args.taps() <= kMostTaps;
}

// Otherwise the terms of all taps are one run, of which a segment is enough; channels of the result are rows.
[[maybe_unused]] bool is_merged(const ConvArgs& args) {
  const std::int64_t inputs = args.group_inputs();
  return args.x.dtype == DType::bf16 && inputs > 0 && inputs < kPairTerms && args.group_outputs() >= 16 &&
         args.taps() <= kMostTaps && inputs * args.taps() <= kSegment;
}

// Lanes are output channels and a step takes several input channels, so there must be some of both.
bool is_narrow(const ConvArgs& args) {
  return is_narrow_integer(args.x.dtype) && args.taps() <= kMostTaps && args.group_inputs() > 1 &&
         args.group_outputs() > 1;
}

[[maybe_unused]] bool is_narrow_bytes(const ConvArgs& args) {
  return is_narrow(args) && itemsize(args.x.dtype) == 1;
}

// A strip holds the rows of all input channels; a sum of fewer than 2^31 bools cannot wrap to zero.
bool is_whole(const ConvArgs& args) {
  const DType t = args.x.dtype;
  return (is_integer(t) || t == DType::boolean) && args.taps() <= kMostTaps && args.group_inputs() > 0 &&
         args.group_inputs() * args.taps() <= (1 << 16);
}

bool is_depthwise_channels_last(const ConvArgs& args) {
  return (args.x.dtype == DType::f32 || args.x.dtype == DType::f64) && args.channels_last &&
         args.group_inputs() == 1 && args.group_outputs() == 1 && args.taps() <= kMostTaps;
}

constexpr std::int64_t kFewOutputs = 6;  // of 1x1 kernels
constexpr std::int64_t kFewOutputsMap = 64;

// Of few outputs, positions fill vectors better.
bool is_points_channels_last(const ConvArgs& args) {
  return (args.x.dtype == DType::f32 || args.x.dtype == DType::f64) && args.channels_last &&
         args.taps() == 1 && args.groups == 1 && args.group_inputs() > 0 && args.group_outputs() >= 8;
}

// Lanes are positions, which lie together: few outputs are rows of weights times a matrix.
bool is_points_to_few(const ConvArgs& args) {
  bool is_dense = true;
  for (int d = 0; d < kSpatial; ++d) is_dense &= args.stride[d] == 1 && args.before[d] == 0;
  return (args.x.dtype == DType::f32 || args.x.dtype == DType::f64) && !args.channels_last &&
         args.taps() == 1 && args.groups == 1 && args.group_inputs() > 0 &&
         args.group_outputs() <= kFewOutputs && args.map() >= kFewOutputsMap && is_dense;
}

template <int vector_bytes>
bool is_short(const ConvArgs& args) {
  return is_floats(args) && (!args.channels_last || args.group_outputs() <= 4) &&
         suits_pixels(args.x.dtype, args.group_inputs(), args.taps(), args.group_outputs(), args.map(),
                      vector_bytes);
}

constexpr ConvVariant kTable[] = {
#define VARIANT(name, arch, fits, run, packed_bytes, pack) {#name, Arch::arch, fits, run, packed_bytes, pack},
#include "kernels/conv/variants.inc"
#undef VARIANT
};

}  // namespace

const ConvVariant& select_conv(const ConvArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> conv_variants() { return variant_names(kTable); }

}  // namespace stretto
