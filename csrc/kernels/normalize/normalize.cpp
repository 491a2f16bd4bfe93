#include "kernels/normalize/normalize.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

namespace avx512 {
void normalize(const NormalizeArgs& args, int threads);
}
namespace avx2 {
void normalize(const NormalizeArgs& args, int threads);
}
namespace neon {
void normalize(const NormalizeArgs& args, int threads);
}
void normalize_reference(const NormalizeArgs& args, int threads);

namespace {

bool always(const NormalizeArgs&) { return true; }

void normalize_cuda(const NormalizeArgs& args, int) {
  run_on_device("normalize", &CudaTable::normalize, args);
}

constexpr NormalizeVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/normalize/variants.inc"
#undef VARIANT
};

}  // namespace

const NormalizeVariant& select_normalize(const NormalizeArgs& args, const Machine& machine,
                                         const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> normalize_variants() { return variant_names(kTable); }

}  // namespace stretto
