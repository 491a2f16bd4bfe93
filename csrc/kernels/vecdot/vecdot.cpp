#include "kernels/vecdot/vecdot.h"

#include "base/select.h"
#include "kernels/cuda_table.h"

namespace stretto {

void vecdot_reference(const VecdotArgs& args, int threads);
#if STRETTO_HAS_AVX512
namespace avx512 {
void vecdot(const VecdotArgs& args, int threads);
}
#endif
#if STRETTO_HAS_AVX2
namespace avx2 {
void vecdot(const VecdotArgs& args, int threads);
}
#endif
#if STRETTO_HAS_NEON
namespace neon {
void vecdot(const VecdotArgs& args, int threads);
}
#endif

namespace {

bool always(const VecdotArgs&) { return true; }

void vecdot_cuda(const VecdotArgs& args, int) { run_on_device("vecdot", &CudaTable::vecdot, args); }
bool is_float(const VecdotArgs& args) { return is_floating(args.a.dtype); }

constexpr VecdotVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/vecdot/variants.inc"
#undef VARIANT
};

}  // namespace

const VecdotVariant& select_vecdot(const VecdotArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> vecdot_variants() { return variant_names(kTable); }

}  // namespace stretto
