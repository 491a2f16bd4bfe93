// The functions of elementwise.h on vectors of floats and on single integers.
#pragma once

#include <type_traits>

#include "kernels/activation_gradient.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/power.h"

namespace stretto {

// a if a > b or a is NaN, else b
template <class V>
STRETTO_INLINE V maximum(V a, V b) {
  return select(is_nan(a), a, max(a, b));
}
template <class V>
STRETTO_INLINE V minimum(V a, V b) {
  return select(is_nan(a), a, min(a, b));
}

// Of floats. `where` takes its condition as c = 1 or 0.
template <Elementwise function, Activation activation, Range range = Range::any, class V>
STRETTO_INLINE V apply(V a, V b, V c, V parameter) {
  if constexpr (function == Elementwise::activation) return activate<range>(activation, a, parameter);
  if constexpr (function == Elementwise::activation_gradient)
    return activation_gradient(activation, a, b, parameter);
  if constexpr (function == Elementwise::add) return a + b;
  if constexpr (function == Elementwise::sub) return a - b;
  if constexpr (function == Elementwise::mul) return a * b;
  if constexpr (function == Elementwise::div) return a / b;
  if constexpr (function == Elementwise::maximum) return maximum(a, b);
  if constexpr (function == Elementwise::minimum) return minimum(a, b);
  if constexpr (function == Elementwise::pow) return power(a, b);
  if constexpr (function == Elementwise::clip) return minimum(maximum(a, b), c);
  return a;
}

// Of integers and bool: arithmetic modulo 2^bits.
template <Elementwise function, Activation activation, class T>
STRETTO_INLINE T apply_to_integer(T a, T b, T c) {
  if constexpr (std::is_same_v<T, bool>) {
    if constexpr (function == Elementwise::add || function == Elementwise::maximum) return a | b;
    if constexpr (function == Elementwise::mul || function == Elementwise::minimum) return a & b;
    if constexpr (function == Elementwise::clip) return (a | b) & c;
    return a;
  } else {
    using U = std::make_unsigned_t<T>;
    using Wide = std::conditional_t<(sizeof(T) < 4), std::uint32_t, U>;  // no promotion to int
    if constexpr (function == Elementwise::activation) {
      if constexpr (activation == Activation::relu) return a < T(0) ? T(0) : a;
      if constexpr (activation == Activation::abs) return a < T(0) ? T(Wide(0) - Wide(a)) : a;
      return T(Wide(0) - Wide(a));  // neg
    }
    if constexpr (function == Elementwise::add) return T(Wide(a) + Wide(b));
    if constexpr (function == Elementwise::sub) return T(Wide(a) - Wide(b));
    if constexpr (function == Elementwise::mul) return T(Wide(a) * Wide(b));
    if constexpr (function == Elementwise::maximum) return a > b ? a : b;
    if constexpr (function == Elementwise::minimum) return a < b ? a : b;
    if constexpr (function == Elementwise::clip) {
      const T y = a > b ? a : b;
      return y < c ? y : c;
    }
    if constexpr (function == Elementwise::pow) {  // b >= 0; by squaring, modulo 2^bits
      Wide result = 1, base = Wide(a);
      for (U exponent = U(b); exponent != 0; exponent = U(exponent >> 1)) {
        if (exponent & 1) result *= base;
        base *= base;
      }
      return T(result);
    }
    return a;
  }
}

}  // namespace stretto
