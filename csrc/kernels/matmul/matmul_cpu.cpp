// matmul of float32 and float64 for one instruction set.
#include "kernels/matmul/driver.h"

namespace stretto::STRETTO_ISA {

void matmul(const MatmulArgs& args, int threads) {
  if (args.a.dtype == DType::f32)
    Product<float, float, float>(args, threads).run();
  else
    Product<double, double, double>(args, threads).run();
}

}  // namespace stretto::STRETTO_ISA
