#include "kernels/conv/conv_weight_gradient.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

void conv_weight_gradient_reference(const ConvWeightGradientArgs& args, int threads);

namespace {

bool always(const ConvWeightGradientArgs&) { return true; }

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
