// Derivatives of the activations: dx = gradient(activation, dy, x). Each line is its definition, operation by
// operation; where the derivative jumps the side of PyTorch is taken.
#pragma once

#include "kernels/activation.h"

namespace stretto {

template <class V>
STRETTO_INLINE V activation_gradient(Activation activation, V dy, V x, V parameter) {
  using T = typename V::scalar;
  const auto constant = [](double value) __attribute__((always_inline)) { return V::broadcast(T(value)); };
  const V zero = V::zero(), one = constant(1), half = constant(0.5);
  switch (activation) {
    case Activation::none:
      return dy;
    case Activation::relu:
      return select(less_equal(x, zero), zero, dy);
    case Activation::relu6:
      return select(V::either(less_equal(x, zero), less_equal(constant(6), x)), zero, dy);
    case Activation::leaky_relu:
      return select(less_equal(x, zero), dy * parameter, dy);
    case Activation::elu:
      return select(less_equal(x, zero), dy * (exp(x) * parameter), dy);
    case Activation::sigmoid: {
      const V s = sigmoid(x);
      return dy * (s * (one - s));
    }
    case Activation::hard_sigmoid: {
      const auto outside = V::either(less_equal(x, constant(-3)), less_equal(constant(3), x));
      return select(outside, zero, dy / constant(6));
    }
    case Activation::hard_swish: {
      const V inner = dy * (x / constant(3) + half);
      return select(less_equal(x, constant(-3)), zero, select(less_equal(constant(3), x), dy, inner));
    }
    case Activation::tanh: {
      const V t = tanh(x);
      return dy * fma(negated(t), t, one);
    }
    case Activation::gelu: {
      const V below = half * (one + erf(x * constant(0x1.6a09e667f3bcdp-1)));
      const V density = exp((x * x) * constant(-0.5)) * constant(0x1.9884533d43651p-2);  // 1 / sqrt(2 pi)
      return dy * fma(x, density, below);
    }
    case Activation::gelu_tanh: {
      const V square = x * x, factor = constant(0x1.9884533d43651p-1);  // sqrt(2 / pi)
      const V t = tanh(fma(square * constant(0.044715), x, x) * factor);
      const V inner = fma(square, constant(0.134145), one) * factor;
      return dy * fma((x * half) * fma(negated(t), t, one), inner, half * (one + t));
    }
    case Activation::silu: {
      const V s = sigmoid(x);
      return dy * (s * fma(x, one - s, one));
    }
    case Activation::softplus:
      return dy * sigmoid(x);
    case Activation::exp:
      return dy * exp(x);
    case Activation::log:
      return dy / x;
    case Activation::sqrt:
      return dy / (constant(2) * sqrt(x));
    case Activation::erf:
      return dy * (exp(negated(x * x)) * constant(0x1.20dd750429b6dp+0));  // 2 / sqrt(pi)
    case Activation::abs: {
      const V at_zero = select(is_nan(x), x, zero);
      return select(less(zero, x), dy, select(less(x, zero), negated(dy), at_zero));
    }
    case Activation::neg:
      return negated(dy);
  }
  return dy;
}

}  // namespace stretto
