#include "kernels/normalize/batch_scale.h"

#include <cmath>

namespace stretto {
namespace {

template <class C>
void run(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean, const ArrayView& var, C eps,
         C* scale, C* shift) {
  for (std::int64_t c = 0; c < mean.size(); ++c) {
    scale[c] = (gamma.present() ? gamma.as<C>()[c] : C(1)) / std::sqrt(var.as<C>()[c] + eps);
    shift[c] = std::fma(-mean.as<C>()[c], scale[c], beta.present() ? beta.as<C>()[c] : C(0));
  }
}

}  // namespace

void batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean, const ArrayView& var,
                 double eps, void* scale, void* shift) {
  if (mean.dtype == DType::f64)
    run<double>(gamma, beta, mean, var, eps, static_cast<double*>(scale), static_cast<double*>(shift));
  else
    run<float>(gamma, beta, mean, var, float(eps), static_cast<float*>(scale), static_cast<float*>(shift));
}

}  // namespace stretto
