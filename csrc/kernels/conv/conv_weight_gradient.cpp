#include "kernels/conv/conv_weight_gradient.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

void conv_weight_gradient_reference(const ConvWeightGradientArgs& args, int threads);

namespace avx512 {
void conv_weight_gradient_channels(const ConvWeightGradientArgs& args, int threads);
}
namespace avx2 {
void conv_weight_gradient_channels(const ConvWeightGradientArgs& args, int threads);
}
namespace neon {
void conv_weight_gradient_channels(const ConvWeightGradientArgs& args, int threads);
}

namespace {

bool always(const ConvWeightGradientArgs&) { return true; }

void conv_weight_gradient_cuda(const ConvWeightGradientArgs& args, int) {
  run_on_device("conv_weight_gradient", &CudaTable::conv_weight_gradient, args);
}

// Not many more taps than are used: the sums of a channel's taps stay in the scratch memory of a thread.
bool is_floats(const ConvWeightGradientArgs& args) {
  const Dims& k = args.out.shape;
  return is_floating(args.x.dtype) && k[2] * k[3] * k[4] <= kMostTaps / 16 && args.grad.size() > 0;
}

constexpr ConvWeightGradientVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/conv/conv_weight_gradient_variants.inc"
#undef VARIANT
};

}  // namespace

const ConvWeightGradientVariant& select_conv_weight_gradient(const ConvWeightGradientArgs& args,
                                                             const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> conv_weight_gradient_variants() { return variant_names(kTable); }

}  // namespace stretto
