#include "kernels/matmul/matmul.h"

#include "base/select.h"
#include "base/variant_names.h"
#include "kernels/cuda_table.h"

namespace stretto {

void matmul_reference(const MatmulArgs& args, int threads);
#define KERNEL(name)                                      \
  void matmul##name(const MatmulArgs& args, int threads); \
  std::int64_t matmul##name##_pack(const ArrayView& b, void* to);
#define KERNELS(isa)                                                                               \
  namespace isa {                                                                                  \
  KERNEL() KERNEL(_half) KERNEL(_narrow) void matmul_integer(const MatmulArgs& args, int threads); \
  }
KERNELS(avx512vnni)
KERNELS(avx512)
KERNELS(avx2)
KERNELS(neon)
namespace avx512amx {
KERNEL(_pairs) KERNEL(_bytes) KERNEL(_high) KERNEL(_medium)
}
#undef KERNELS
#undef KERNEL

namespace {

constexpr std::int64_t kLeastSplit = 64;  // terms that are worth splitting

bool always(const MatmulArgs&) { return true; }

void matmul_cuda(const MatmulArgs& args, int) { run_on_device("matmul", &CudaTable::matmul, args); }
bool is_wide_float(const MatmulArgs& args) {
  return args.a.dtype == DType::f32 || args.a.dtype == DType::f64;
}
bool is_half(const MatmulArgs& args) { return is_16bit_float(args.a.dtype); }
bool is_narrow(const MatmulArgs& args) { return is_narrow_integer(args.a.dtype); }
bool is_whole(const MatmulArgs& args) {  // a sum of fewer than 2^31 bools cannot wrap to zero
  if (args.a.dtype == DType::boolean) return args.k() < (std::int64_t(1) << 31);
  return is_integer(args.a.dtype) && !is_narrow(args);
}

// By the terms alone: no bit of a result may depend on its rows, its batch, or how its columns are shared
// out.
bool may_split(const MatmulArgs& args) {
  return args.a.dtype == DType::f32 && args.b.shape.last(1) >= kLeastSplit;
}
[[maybe_unused]] bool is_high(const MatmulArgs& args) {
  return args.precision == Precision::high && may_split(args);
}
[[maybe_unused]] bool is_medium(const MatmulArgs& args) {
  return args.precision == Precision::medium && may_split(args);
}
[[maybe_unused]] bool is_pairs(const MatmulArgs& args) { return args.a.dtype == DType::bf16; }
[[maybe_unused]] bool is_bytes(const MatmulArgs& args) {
  return args.out.dtype == DType::i32 && is_narrow_integer(args.a.dtype) && itemsize(args.a.dtype) == 1;
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
