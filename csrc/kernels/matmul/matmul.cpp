#include "kernels/matmul/matmul.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

void matmul_reference(const MatmulArgs& args, int threads);
#if STRETTO_HAS_AVX512
namespace avx512 {
void matmul(const MatmulArgs& args, int threads);
void matmul_half(const MatmulArgs& args, int threads);
void matmul_integer(const MatmulArgs& args, int threads);
std::int64_t matmul_pack(const ArrayView& b, void* to);
std::int64_t matmul_half_pack(const ArrayView& b, void* to);
}  // namespace avx512
#endif
#if STRETTO_HAS_AVX2
namespace avx2 {
void matmul(const MatmulArgs& args, int threads);
void matmul_half(const MatmulArgs& args, int threads);
void matmul_integer(const MatmulArgs& args, int threads);
std::int64_t matmul_pack(const ArrayView& b, void* to);
std::int64_t matmul_half_pack(const ArrayView& b, void* to);
}  // namespace avx2
#endif
#if STRETTO_HAS_NEON
namespace neon {
void matmul(const MatmulArgs& args, int threads);
void matmul_half(const MatmulArgs& args, int threads);
void matmul_integer(const MatmulArgs& args, int threads);
std::int64_t matmul_pack(const ArrayView& b, void* to);
std::int64_t matmul_half_pack(const ArrayView& b, void* to);
}  // namespace neon
#endif

namespace {

bool always(const MatmulArgs&) { return true; }
bool is_wide_float(const MatmulArgs& args) {
  return args.a.dtype == DType::f32 || args.a.dtype == DType::f64;
}
bool is_half(const MatmulArgs& args) { return is_16bit_float(args.a.dtype); }
bool is_whole(const MatmulArgs& args) {  // a sum of fewer than 2^31 bools cannot wrap to zero
  return is_integer(args.a.dtype) || (args.a.dtype == DType::boolean && args.k() < (std::int64_t(1) << 31));
}

constexpr MatmulVariant kTable[] = {
#define VARIANT(name, arch, fits, run, pack) {#name, Arch::arch, fits, run, pack},
#include "kernels/matmul/variants.inc"
#undef VARIANT
};

}  // namespace

const MatmulVariant& select_matmul(const MatmulArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> matmul_variants() { return variant_names(kTable); }

}  // namespace stretto
