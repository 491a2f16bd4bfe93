#include "kernels/pool_gradient/pool_gradient.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

#define DECLARE(isa)                                        \
  namespace isa {                                           \
  void pool_gradient_max(const PoolGradientArgs&, int);     \
  void pool_gradient_average(const PoolGradientArgs&, int); \
  }
DECLARE(avx512)
DECLARE(avx2)
DECLARE(neon)
#undef DECLARE
void pool_gradient_reference(const PoolGradientArgs& args, int threads);

namespace {

bool always(const PoolGradientArgs&) { return true; }

void pool_gradient_cuda(const PoolGradientArgs& args, int) {
  run_on_device("pool_gradient", &CudaTable::pool_gradient, args);
}
bool is_max(const PoolGradientArgs& args) { return args.kind == PoolGradientKind::max; }
bool is_average(const PoolGradientArgs& args) { return args.kind == PoolGradientKind::average; }

constexpr PoolGradientVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/pool_gradient/variants.inc"
#undef VARIANT
};

}  // namespace

const PoolGradientVariant& select_pool_gradient(const PoolGradientArgs& args, const Machine& machine,
                                                const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> pool_gradient_variants() { return variant_names(kTable); }

}  // namespace stretto
