// What follows a sum of products, fused into the store:
//
//   z = dot;  if bias: z = z + bias;  if scale: z = fma(z, scale, shift);  if residual: z = z + residual;
//   y = activation(z)
//
// Absent terms are absent. Of 16-bit arrays it acts in float32 and the output is rounded once, last.
#pragma once

#include "base/array_view.h"
#include "kernels/activation.h"

namespace stretto {

// Every present operand is a view of the result's shape (stride 0 where it repeats), of the inputs' dtype, or
// of an integer result's.
struct Epilogue {
  ArrayView bias, scale, shift, residual;
  Activation activation = Activation::none;
  double parameter = 0;

  STRETTO_INLINE bool is_empty() const {
    return !bias.present() && !scale.present() && !residual.present() && activation == Activation::none;
  }
};

}  // namespace stretto
