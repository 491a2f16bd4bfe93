#include "kernels/matmul/matmul.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

void matmul_reference(const MatmulArgs& args, int threads);
#if STRETTO_HAS_AVX512
namespace avx512 {
void matmul(const MatmulArgs& args, int threads);
}
#endif
#if STRETTO_HAS_AVX2
namespace avx2 {
void matmul(const MatmulArgs& args, int threads);
}
#endif
#if STRETTO_HAS_NEON
namespace neon {
void matmul(const MatmulArgs& args, int threads);
}
#endif

namespace {

bool always(const MatmulArgs&) { return true; }
bool is_plain_float(const MatmulArgs& args) {
  return args.a.dtype == DType::f32 || args.a.dtype == DType::f64;
}

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
