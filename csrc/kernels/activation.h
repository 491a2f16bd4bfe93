// The one-argument functions: activations of an epilogue, and element-wise ops of their own.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace stretto {

enum class Activation : std::uint8_t {
  none,
  relu,
  relu6,
  leaky_relu,  // parameter: slope for x < 0
  elu,         // parameter: alpha
  sigmoid,
  hard_sigmoid,
  hard_swish,
  tanh,
  gelu,
  gelu_tanh,
  silu,
  softplus,
  exp,
  log,
  sqrt,
  erf,
  abs,
  neg,
};

const char* name_of(Activation activation);
// False when there is no such activation. `parameter` gets its default.
bool activation_named(const char* name, Activation& activation, double& parameter);

// y = activation(x), lane by lane, for a vector type V of simd/.
template <class V>
STRETTO_INLINE V activate(Activation activation, V x, V parameter) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return select(less(x, V::zero()), V::zero(), x);
    case Activation::leaky_relu:
      return select(less(x, V::zero()), x * parameter, x);
    default:
      return x;
  }
}

}  // namespace stretto
