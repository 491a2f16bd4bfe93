// matmul of integers and bool for one instruction set. Sums wrap modulo 2^32 or 2^64, so that narrower
// results are exact modulo their own size whatever the sign; a bool is whether the sum of products is not
// zero.
#include "kernels/matmul/driver.h"

namespace stretto::STRETTO_ISA {

void matmul_integer(const MatmulArgs& args, int threads) {
  switch (itemsize(args.a.dtype)) {
    case 1:
      if (args.a.dtype == DType::boolean) return Product<std::int32_t, bool, bool>(args, threads).run();
      return Product<std::int32_t, std::int8_t, std::int8_t>(args, threads).run();
    case 2:
      return Product<std::int32_t, std::int16_t, std::int16_t>(args, threads).run();
    case 4:
      return Product<std::int32_t, std::int32_t, std::int32_t>(args, threads).run();
    default:
      return Product<std::int64_t, std::int64_t, std::int64_t>(args, threads).run();
  }
}

}  // namespace stretto::STRETTO_ISA
