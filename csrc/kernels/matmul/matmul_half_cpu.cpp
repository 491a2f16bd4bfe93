// matmul of 16-bit floats for one instruction set: widened while operands are copied, rounded once at the
// end.
#include "kernels/matmul/driver.h"
#include "kernels/matmul/pairs.h"

namespace stretto::STRETTO_ISA {

void matmul_half(const MatmulArgs& given, int threads) {
  const MatmulArgs args = simplified(given);
  const bool widens = args.out.dtype == DType::f32;
  if (args.a.dtype == DType::f16) {
    if (widens)
      Product<float, float16, float>(args, threads).run();
    else
      Product<float, float16, float16>(args, threads).run();
  } else {
    if (widens)
      Product<float, bfloat16, float, Pairs>(args, threads).run();
    else
      Product<float, bfloat16, bfloat16, Pairs>(args, threads).run();
  }
}

std::int64_t matmul_half_pack(const ArrayView& b, void* to) {
  return b.dtype == DType::f16 ? pack_matrix<float, float16, Chains<float>>(b, to)
                               : pack_matrix<float, bfloat16, Pairs>(b, to);
}

}  // namespace stretto::STRETTO_ISA
