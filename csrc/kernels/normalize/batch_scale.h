// batch_norm as the epilogue's scale and shift:  s = gamma / sqrt(var + eps), t = fma(-mean, s, beta)
#pragma once

#include "base/array_view.h"

namespace stretto {

// Contiguous vectors of one dtype, float32 or float64; gamma (1) and beta (+0) may be absent. scale and shift
// are of that dtype.
void batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean, const ArrayView& var,
                 double eps, void* scale, void* shift);

}  // namespace stretto
