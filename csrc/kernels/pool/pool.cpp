#include "kernels/pool/pool.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

#define DECLARE(isa)                       \
  namespace isa {                          \
  void pool_max(const PoolArgs&, int);     \
  void pool_average(const PoolArgs&, int); \
  }
DECLARE(avx512)
DECLARE(avx2)
DECLARE(neon)
#undef DECLARE
void pool_reference(const PoolArgs& args, int threads);

namespace {

bool always(const PoolArgs&) { return true; }

void pool_cuda(const PoolArgs& args, int) { run_on_device("pool", &CudaTable::pool, args); }

bool has_lanes(const PoolArgs& args) {
  const int lane = args.channels_last ? 1 : 4;
  return (args.x.shape[lane] == 1 || args.x.strides[lane] == 1) &&
         (args.out.shape[lane] == 1 || args.out.strides[lane] == 1);
}
bool is_max(const PoolArgs& args) { return args.kind == PoolKind::max && has_lanes(args); }
bool is_average(const PoolArgs& args) {
  return args.kind == PoolKind::average && (args.x.dtype == DType::f32 || args.x.dtype == DType::f64) &&
         has_lanes(args);
}

constexpr PoolVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/pool/variants.inc"
#undef VARIANT
};

}  // namespace

const PoolVariant& select_pool(const PoolArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> pool_variants() { return variant_names(kTable); }

}  // namespace stretto
