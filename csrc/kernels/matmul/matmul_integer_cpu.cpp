// matmul of bool and of integers of 32 and 64 bits for one instruction set. Sums wrap modulo 2^32 or 2^64; a
// bool is whether the sum of products is not zero.
#include "kernels/matmul/driver.h"

namespace stretto::STRETTO_ISA {

void matmul_integer(const MatmulArgs& given, int threads) {
  const MatmulArgs args = simplified(given);
  switch (itemsize(args.a.dtype)) {
    case 1:
      return Product<std::int32_t, bool, bool>(args, threads).run();
    case 4:
      return Product<std::int32_t, std::int32_t, std::int32_t>(args, threads).run();
    default:
      return Product<std::int64_t, std::int64_t, std::int64_t>(args, threads).run();
  }
}

}  // namespace stretto::STRETTO_ISA
