#include "kernels/elementwise/elementwise.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

namespace avx512 {
void elementwise(const ElementwiseArgs& args, int threads);
}
namespace avx2 {
void elementwise(const ElementwiseArgs& args, int threads);
}
namespace neon {
void elementwise(const ElementwiseArgs& args, int threads);
}
void elementwise_reference(const ElementwiseArgs& args, int threads);

namespace {

bool always(const ElementwiseArgs&) { return true; }

void elementwise_cuda(const ElementwiseArgs& args, int) {
  run_on_device("elementwise", &CudaTable::elementwise, args);
}

constexpr ElementwiseVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/elementwise/variants.inc"
#undef VARIANT
};

}  // namespace

const ElementwiseVariant& select_elementwise(const ElementwiseArgs& args, const Machine& machine,
                                             const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> elementwise_variants() { return variant_names(kTable); }

}  // namespace stretto
