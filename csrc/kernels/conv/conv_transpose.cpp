#include "kernels/conv/conv_transpose.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/conv/pair_order.h"
#include "kernels/cuda_table.h"

namespace stretto {

void conv_transpose_reference(const ConvTransposeArgs& args, int threads);

#define KERNELS(isa)                                                              \
  namespace isa {                                                                 \
  void conv_transpose_channels(const ConvTransposeArgs& args, int threads);       \
  std::int64_t conv_transpose_channels_bytes(const ConvTransposeArgs& args);      \
  void conv_transpose_channels_pack(const ConvTransposeArgs& args, void* packed); \
  }
KERNELS(avx512)
KERNELS(avx2)
KERNELS(neon)
#undef KERNELS

namespace {

bool always(const ConvTransposeArgs&) { return true; }

void conv_transpose_cuda(const ConvTransposeArgs& args, int) {
  run_on_device("conv_transpose", &CudaTable::conv_transpose, args);
}

bool is_floats(const ConvTransposeArgs& args) {
  const DType t = args.x.dtype;
  if (t == DType::bf16 && PairOrder(args.group_inputs(), args.taps()).blocks() > kMostPairBlocks)
    return false;
  return is_floating(t) && args.taps() <= kMostTaps && args.group_inputs() > 0;
}

constexpr ConvTransposeVariant kTable[] = {
#define VARIANT(name, arch, fits, run, packed_bytes, pack) {#name, Arch::arch, fits, run, packed_bytes, pack},
#include "kernels/conv/conv_transpose_variants.inc"
#undef VARIANT
};

}  // namespace

const ConvTransposeVariant& select_conv_transpose(const ConvTransposeArgs& args, const Machine& machine,
                                                  const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> conv_transpose_variants() { return variant_names(kTable); }

}  // namespace stretto
