// The one-argument functions: activations of an epilogue, and element-wise ops of their own.
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "kernels/transcendental.h"

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

// What is known of x: nothing, or |x| <= kNear, where exp is shorter.
enum class Range : std::uint8_t { any, near };

template <Range range, class V>
STRETTO_INLINE V exp_within(V x) {
  if constexpr (range == Range::near) return exp_near(x);
  return exp(x);
}

constexpr bool is_shorter_when_near(Activation activation) {
  return activation == Activation::sigmoid || activation == Activation::silu ||
         activation == Activation::softplus || activation == Activation::exp;
}

// 1 / (1 + exp(-x))
template <Range range = Range::any, class V>
STRETTO_INLINE V sigmoid(V x) {
  const V one = V::broadcast(typename V::scalar(1));
  return one / (one + exp_within<range>(negated(x)));
}

// min(max(x, 0), 6), NaN staying
template <class V>
STRETTO_INLINE V relu6(V x) {
  const V six = V::broadcast(typename V::scalar(6));
  return min(six, max(V::zero(), x));
}

// relu6(x + 3) / 6
template <class V>
STRETTO_INLINE V hard_sigmoid(V x) {
  using T = typename V::scalar;
  return relu6(x + V::broadcast(T(3))) / V::broadcast(T(6));
}

// y = activation(x), lane by lane, for a vector type V of simd/. Each line is its definition, operation by
// operation; docs/numerics_functions.md has them in words. The range never changes a bit.
template <Range range = Range::any, class V>
STRETTO_INLINE V activate(Activation activation, V x, V parameter) {
  using T = typename V::scalar;
  const V zero = V::zero(), half = V::broadcast(T(0.5)), one = V::broadcast(T(1));
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return max(zero, x);
    case Activation::relu6:
      return relu6(x);
    case Activation::leaky_relu:
      return select(less(x, zero), x * parameter, x);
    case Activation::elu:
      return select(less(x, zero), exp_minus_one_of_nonpositive(x) * parameter, x);
    case Activation::sigmoid:
      return sigmoid<range>(x);
    case Activation::hard_sigmoid:
      return hard_sigmoid(x);
    case Activation::hard_swish:
      return x * hard_sigmoid(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::gelu:
      return (x * half) * (one + erf(x * V::broadcast(T(0x1.6a09e667f3bcdp-1))));
    case Activation::gelu_tanh: {
      const V cube = fma((x * x) * V::broadcast(T(0.044715)), x, x);
      return (x * half) * (one + tanh(cube * V::broadcast(T(0x1.9884533d43651p-1))));
    }
    case Activation::silu:
      return x * sigmoid<range>(x);
    case Activation::softplus:
      return select(less(zero, x), x, zero) + log_of_one_plus(exp_within<range>(negated(magnitude(x))));
    case Activation::exp:
      return exp_within<range>(x);
    case Activation::log:
      return log(x);
    case Activation::sqrt:
      return sqrt(x);
    case Activation::erf:
      return erf(x);
    case Activation::abs:
      return magnitude(x);
    case Activation::neg:
      return negated(x);
  }
  return x;
}

}  // namespace stretto
