#include "kernels/reduce/reduce.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

namespace avx512 {
void reduce(const ReduceArgs& args, int threads);
}
namespace avx2 {
void reduce(const ReduceArgs& args, int threads);
}
namespace neon {
void reduce(const ReduceArgs& args, int threads);
}
void reduce_reference(const ReduceArgs& args, int threads);

namespace {

bool always(const ReduceArgs&) { return true; }

void reduce_cuda(const ReduceArgs& args, int) { run_on_device("reduce", &CudaTable::reduce, args); }

constexpr ReduceVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/reduce/variants.inc"
#undef VARIANT
};

}  // namespace

const ReduceVariant& select_reduce(const ReduceArgs& args, const Machine& machine, const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> reduce_variants() { return variant_names(kTable); }

}  // namespace stretto
