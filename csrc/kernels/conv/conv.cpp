#include "kernels/conv/conv.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

void conv_reference(const ConvArgs& args, int threads);

namespace {

bool always(const ConvArgs&) { return true; }

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
