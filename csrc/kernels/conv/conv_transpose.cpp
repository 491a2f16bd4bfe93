#include "kernels/conv/conv_transpose.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

void conv_transpose_reference(const ConvTransposeArgs& args, int threads);

namespace {

bool always(const ConvTransposeArgs&) { return true; }

constexpr ConvTransposeVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
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
