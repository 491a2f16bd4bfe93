#include "kernels/matmul/matmul.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

void matmul_reference(const MatmulArgs& args, int threads);

namespace {

bool always(const MatmulArgs&) { return true; }

constexpr MatmulVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/matmul/variants.inc"
#undef VARIANT
};

}  // namespace

const MatmulVariant& select_matmul(const MatmulArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> matmul_variants() { return variant_names(kTable); }

}  // namespace stretto
