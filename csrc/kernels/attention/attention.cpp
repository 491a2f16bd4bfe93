#include "kernels/attention/attention.h"

#include "base/select.h"
#include "base/variant_names.h"

namespace stretto {

#define DECLARE(isa)                    \
  namespace isa {                       \
  void attention(const AttentionArgs&); \
  }
DECLARE(avx512)
DECLARE(avx2)
DECLARE(neon)
#undef DECLARE
void attention_reference(const AttentionArgs& args);

namespace {

bool always(const AttentionArgs&) { return true; }
bool is_wide(const AttentionArgs& args) { return args.dtype == DType::f32 || args.dtype == DType::f64; }

constexpr AttentionVariant kTable[] = {
#define VARIANT(name, arch, fits, run) {#name, Arch::arch, fits, run},
#include "kernels/attention/variants.inc"
#undef VARIANT
};

}  // namespace

const AttentionVariant& select_attention(const AttentionArgs& args, const Machine& machine,
                                         const char* forced) {
  return select(kTable, args, machine, forced);
}

std::vector<VariantName> attention_variants() { return variant_names(kTable); }

}  // namespace stretto
