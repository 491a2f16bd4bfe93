// The part of an epilogue that is one for an output channel: what sums can be finished by in registers.
#pragma once

#include <initializer_list>

#include "kernels/conv/correlation.h"
#include "kernels/tile/clamp.h"
#include "kernels/tile/ending.h"

namespace stretto::STRETTO_ISA {

// Whether that is all of it but the activation.
STRETTO_INLINE bool is_of_channels(const Epilogue& e) {
  if (e.residual.present()) return false;
  for (const ArrayView* view : {&e.bias, &e.scale, &e.shift}) {
    const std::int64_t* const step = view->strides.at;
    if (view->present() && (step[0] != 0 || step[2] != 0 || step[3] != 0 || step[4] != 0)) return false;
  }
  return true;
}

// Whether tiles can form an epilogue.
template <class T>
STRETTO_INLINE bool ends_in_tiles(const Epilogue& e) {
  return kHasEndings<T> && is_of_channels(e) && !e.scale.present() && Clamp<T>::is(e.activation);
}

// Such an epilogue for `count` channels from `first` on; `room` takes the bias, for whole vectors.
template <class T>
STRETTO_INLINE Ending<T> ending_of(const Epilogue& e, std::int64_t first, std::int64_t count, T* room) {
  for (std::int64_t i = 0; e.bias.present() && i < count; ++i)
    room[i] = e.bias.as<T>()[(first + i) * e.bias.strides.at[1]];
  const Clamp<T> clamp(e.activation);
  return {e.bias.present() ? room : nullptr,
          nullptr,
          0,
          clamp.has_least(),
          clamp.has_most(),
          clamp.least,
          clamp.most};
}

// Absent terms change nothing, nor does an activation that is no clamp.
template <class T>
struct ChannelTerms {
  T bias = T(-0.0), scale = T(1), shift = T(-0.0);
  bool is_scaled = false;
  Clamp<T> clamp{Activation::none};

  ChannelTerms() = default;
  STRETTO_INLINE ChannelTerms(const Epilogue& e, std::int64_t channel) {
    if (Clamp<T>::is(e.activation)) clamp = Clamp<T>(e.activation);
    if (e.bias.present()) bias = e.bias.as<T>()[channel * e.bias.strides.at[1]];
    is_scaled = e.scale.present();
    if (!is_scaled) return;
    scale = e.scale.as<T>()[channel * e.scale.strides.at[1]];
    shift = e.shift.as<T>()[channel * e.shift.strides.at[1]];
  }
};

}  // namespace stretto::STRETTO_ISA
