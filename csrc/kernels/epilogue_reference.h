// The epilogue of one element, in plain C++. `index` is the element's C-order index in the result's `shape`.
#pragma once

#include <cmath>
#include <type_traits>

#include "kernels/epilogue.h"
#include "kernels/load.h"
#include "kernels/offset.h"
#include "simd/scalar.h"

namespace stretto {

template <class C>
C sum_of(C a, C b) {
  if constexpr (std::is_integral_v<C> && !std::is_same_v<C, bool>) {
    using U = std::make_unsigned_t<C>;  // integers wrap
    return C(U(a) + U(b));
  } else {
    return C(a + b);
  }
}

template <class T, class C>
C epilogue_reference(const Epilogue& e, const Dims& shape, std::int64_t index, C z) {
  const auto at = [&](const ArrayView& operand) {
    return widen(operand.as<T>()[offset_of(index, shape, operand.strides)]);
  };
  if (e.bias.present()) z = sum_of<C>(z, at(e.bias));
  if constexpr (std::is_floating_point_v<C>) {
    if (e.scale.present()) z = std::fma(z, at(e.scale), at(e.shift));
  }
  if (e.residual.present()) z = sum_of<C>(z, at(e.residual));
  if constexpr (std::is_floating_point_v<C>)
    z = activate(e.activation, Scalar<C>{z}, Scalar<C>{C(e.parameter)}).v;
  return z;
}

}  // namespace stretto
