// matmul of float32 and float64 for one instruction set.
#include "kernels/matmul/driver.h"
#include "kernels/product.h"

namespace stretto::STRETTO_ISA {

void matmul(const MatmulArgs& given, int threads) {
  const MatmulArgs args = simplified(given, kDotColumns);
  if (args.a.dtype == DType::f32)
    Product<float, float, float>(args, threads).run();
  else
    Product<double, double, double>(args, threads).run();
}

std::int64_t matmul_pack(const ArrayView& b, void* to) {
  return b.dtype == DType::f32 ? pack_matrix<float, float, Chains<float>>(b, to)
                               : pack_matrix<double, double, Chains<double>>(b, to);
}

void product(const ArrayView& a, const ArrayView& b, const void* panels, const Epilogue& epilogue,
             const ArrayView& out, int threads) {
  MatmulArgs args;
  args.a = a;
  args.b = b;
  args.out = out;
  args.epilogue = epilogue;
  args.panels = panels;
  matmul(args, threads);
}

std::int64_t pack_product(const ArrayView& b, void* to) { return matmul_pack(b, to); }

}  // namespace stretto::STRETTO_ISA
