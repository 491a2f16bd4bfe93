// Activations that are clamps.
#pragma once

#include "kernels/activation.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// none, relu and relu6 as clamps to [least, most]; NaN and -0 stay.
template <class T>
struct Clamp {
  T least = -T(__builtin_inf()), most = T(__builtin_inf());

  STRETTO_INLINE explicit Clamp(Activation activation) {
    if (activation != Activation::none) least = T(0);
    if (activation == Activation::relu6) most = T(6);
  }
  STRETTO_INLINE bool has_least() const { return least == T(0); }
  STRETTO_INLINE bool has_most() const { return most == T(6); }
  STRETTO_INLINE static bool is(Activation a) {
    return a == Activation::none || a == Activation::relu || a == Activation::relu6;
  }
  STRETTO_INLINE static Vec<T> apply(Vec<T> z, Vec<T> low, Vec<T> high) { return min(high, max(low, z)); }
};

}  // namespace stretto::STRETTO_ISA
