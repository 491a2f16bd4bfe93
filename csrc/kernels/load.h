// Reading and writing one element of any dtype in its computation type (float for 16-bit floats).
#pragma once

#include <type_traits>

#include "base/dtype.h"

namespace stretto {

template <class T>
using Compute = std::conditional_t<std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>, float, T>;

template <class T>
STRETTO_INLINE Compute<T> widen(T x) {
  if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>)
    return to_float(x);
  else
    return x;
}

// Rounds a computed value to the element type T, once.
template <class T, class C>
STRETTO_INLINE T narrow(C x) {
  if constexpr (std::is_same_v<T, float16>)
    return to_float16(float(x));
  else if constexpr (std::is_same_v<T, bfloat16>)
    return to_bfloat16(float(x));
  else
    return static_cast<T>(x);
}

}  // namespace stretto
