#include "kernels/elementwise/elementwise.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/activate_values.h"
#include "kernels/cuda_table.h"

namespace stretto {

namespace avx512 {
void elementwise(const ElementwiseArgs& args, int threads);
void activate_values(Activation activation, double parameter, float* values, std::int64_t n);
void activate_values(Activation activation, double parameter, double* values, std::int64_t n);
}  // namespace avx512
namespace avx2 {
void elementwise(const ElementwiseArgs& args, int threads);
void activate_values(Activation activation, double parameter, float* values, std::int64_t n);
void activate_values(Activation activation, double parameter, double* values, std::int64_t n);
}  // namespace avx2
namespace neon {
void elementwise(const ElementwiseArgs& args, int threads);
void activate_values(Activation activation, double parameter, float* values, std::int64_t n);
void activate_values(Activation activation, double parameter, double* values, std::int64_t n);
}  // namespace neon
void elementwise_reference(const ElementwiseArgs& args, int threads);
template <class T>
void activate_values_reference(Activation activation, double parameter, T* values, std::int64_t n);

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

template <class T>
void activate_values_here(Activation activation, double parameter, T* values, std::int64_t n) {
#if STRETTO_HAS_AVX512
  if (this_machine().has(Arch::avx512)) return avx512::activate_values(activation, parameter, values, n);
#endif
#if STRETTO_HAS_AVX2
  if (this_machine().has(Arch::avx2)) return avx2::activate_values(activation, parameter, values, n);
#endif
#if STRETTO_HAS_NEON
  if (this_machine().has(Arch::neon)) return neon::activate_values(activation, parameter, values, n);
#endif
  activate_values_reference(activation, parameter, values, n);
}

}  // namespace

void activate_values(Activation activation, double parameter, float* values, std::int64_t n) {
  activate_values_here(activation, parameter, values, n);
}
void activate_values(Activation activation, double parameter, double* values, std::int64_t n) {
  activate_values_here(activation, parameter, values, n);
}

const ElementwiseVariant& select_elementwise(const ElementwiseArgs& args, const Machine& machine,
                                             const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> elementwise_variants() { return variant_names(kTable); }

}  // namespace stretto
