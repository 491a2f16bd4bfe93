// The weights of a transposed convolution, (input, output, tap), packed for all of its phases at once: each
// element is read once, in vectors, as it lies.
#pragma once

#include "kernels/conv/channels_plan.h"
#include "kernels/conv/channels_weights.h"
#include "kernels/conv/phases.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

// Where a tap's vectors of outputs go: of the first input channel, and from one to the next. Null: the tap
// exists in no phase.
template <class T>
struct TapPlace {
  T* first = nullptr;
  std::int64_t channel = 0;
};

// One vector of outputs, of one input channel.
template <class T>
STRETTO_INLINE void pack_taps(const T* w, std::int64_t taps, int outputs, std::int64_t channel,
                              const TapPlace<T>* places) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t t0 = 0; t0 < taps; t0 += lanes) {
    const int count = int(least(lanes, taps - t0));
    Vec<T> row[lanes];
#pragma GCC unroll 16
    for (int o = 0; o < lanes; ++o)
      row[o] = o < outputs ? Vec<T>::load(w + o * taps + t0, count) : Vec<T>::zero();
    transpose(row);
    for (int t = 0; t < count; ++t)
      if (const TapPlace<T>& place = places[t0 + t]; place.first)
        row[t].store(place.first + channel * place.channel);
  }
}

STRETTO_INLINE bool can_pack_phases(const ConvTransposeArgs& args, const Phases& phases) {
  const Dims &shape = args.w.shape, &strides = args.w.strides;
  const auto lies = [&](int axis, std::int64_t step) {
    return shape.at[axis] == 1 || strides.at[axis] == step;
  };
  bool suits = (args.w.dtype == DType::f32 || args.w.dtype == DType::f64) && args.taps() > 2 && lies(4, 1) &&
               lies(3, shape.at[4]) && lies(2, shape.at[3] * shape.at[4]) && strides.at[1] == args.taps();
  for (std::int64_t i = 0; i < phases.count(); ++i) suits = suits && !phases[i].uses_pixels;
  return suits;
}

template <class T>
void pack_phases(const ConvTransposeArgs& args, const Phases& phases, int threads) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr double least_elements = 1 << 14;  // of a thread
  const std::int64_t inputs = args.group_inputs(), outputs = args.group_outputs(), taps = args.taps();
  const std::int64_t panels = divide_up(outputs, lanes), tasks = args.groups * panels;
  share_tasks(
      tasks, double(tasks * lanes * inputs * taps), least_elements, threads,
      [&](std::int64_t begin, std::int64_t end) {
        const Scratch memory(taps * std::int64_t(sizeof(TapPlace<T>)));
        TapPlace<T>* const places = memory.as<TapPlace<T>>();
        for (std::int64_t task = begin; task < end; ++task) {
          for (std::int64_t t = 0; t < taps; ++t) places[t] = {};
          for (std::int64_t i = 0; i < phases.count(); ++i) {
            const Phase& phase = phases[i];
            const std::int64_t channel = phase.tap_count * lanes;
            for (int t = 0; t < phase.tap_count; ++t)
              places[phase.taps[t].weight] = {
                  static_cast<T*>(phases.packed(phase)) + task * inputs * channel + t * lanes, channel};
          }
          const std::int64_t group = task / panels, first = task % panels * lanes;
          const T* const w = args.w.as<T>() + group * inputs * args.w.strides.at[0] + first * taps;
          for (std::int64_t c = 0; c < inputs; ++c)
            pack_taps(w + c * args.w.strides.at[0], taps, int(least(lanes, outputs - first)), c, places);
          for (std::int64_t i = 0; i < phases.count(); ++i) {  // what says that all are finite
            const std::int64_t size = phases[i].tap_count * inputs * lanes;
            T* const packed = static_cast<T*>(phases.packed(phases[i]));
            packed[tasks * size + task] = zero_if_finite(packed + task * size, size);
          }
        }
      });
}

}  // namespace stretto::STRETTO_ISA
