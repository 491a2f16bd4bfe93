// Gradients of pooling on a device, gathered: an element of dx a thread, which adds what the outputs give
// that see it, in C order. Of max the taps are found first, an output a thread.
#include "kernels/pool_gradient/pool_gradient.h"

#include "cuda/elements.h"
#include "kernels/cuda_kernels.h"
#include "kernels/pool_axis_cuda.h"

namespace stretto {
namespace {

// The outputs along an axis of which some may see a position.
struct Range {
  std::int64_t first, end;
};

STRETTO_INLINE Range outputs_around(const PoolAxis& axis, std::int64_t p) {
  Range range;
  if (axis.adaptive) {
    range.first = p * axis.outputs / axis.size - 1;
    range.end = (p + 1) * axis.outputs / axis.size + 2;
  } else {
    const std::int64_t below = p + axis.before - (axis.window - 1) * axis.dilation;
    range.first = below > 0 ? (below + axis.stride - 1) / axis.stride : 0;
    range.end = (p + axis.before) / axis.stride + 1;
  }
  if (range.first < 0) range.first = 0;
  if (range.end > axis.outputs) range.end = axis.outputs;
  return range;
}

STRETTO_INLINE bool sees(const PoolAxis& axis, std::int64_t o, std::int64_t p) {
  const std::int64_t distance = p - axis.begin(o), dilation = axis.adaptive ? 1 : axis.dilation;
  return distance >= 0 && distance % dilation == 0 && distance / dilation < axis.taps(o);
}

// Offset in its plane of the tap that an output of max took, or -1.
template <class T>
struct FindTaps {
  const T* x;
  Window window;
  Steps steps;
  Positions outputs;
  std::int64_t* taken;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const Position o = outputs.of(index);
    const T* plane = x + steps.plane(o);
    const std::int64_t taps = window.taps(o);
    std::int64_t best = -1;
    T largest = T(0);
    for (std::int64_t k = 0; k < taps; ++k) {
      std::int64_t offset;
      if (!window.tap(o, k, steps, offset)) continue;
      const T value = plane[offset];
      if (best >= 0 && !(value > largest) && !(value != value && largest == largest)) continue;
      best = offset;
      largest = value;
    }
    taken[index] = best;
  }
};

template <class T>
struct Gather {
  const T* grad;
  T* dx;
  Window window;
  Steps grad_steps, dx_steps;
  Positions inputs;
  const std::int64_t* taken;  // of max, in C order of the outputs (n, c, d, h, w); or null
  std::int64_t channels;
  bool count_padding;

  STRETTO_KERNEL void operator()(std::int64_t index) const {
    const Position p = inputs.of(index);
    Position o = p;
    const std::int64_t own = dx_steps.offset(p) - dx_steps.plane(p);
    const Range d = outputs_around(window.axis[0], p.at[0]), h = outputs_around(window.axis[1], p.at[1]),
                w = outputs_around(window.axis[2], p.at[2]);
    T sum = T(0);
    for (o.at[0] = d.first; o.at[0] < d.end; ++o.at[0])
      for (o.at[1] = h.first; o.at[1] < h.end; ++o.at[1])
        for (o.at[2] = w.first; o.at[2] < w.end; ++o.at[2]) {
          if (!sees(window.axis[0], o.at[0], p.at[0]) || !sees(window.axis[1], o.at[1], p.at[1]) ||
              !sees(window.axis[2], o.at[2], p.at[2]))
            continue;
          const T g = grad[grad_steps.offset(o)];
          if (!taken)
            sum = sum + g / T(window.counted(o, count_padding));
          else if (taken[number(o)] == own)
            sum = sum + g;
        }
    dx[dx_steps.offset(p)] = sum;
  }

 private:
  STRETTO_KERNEL std::int64_t number(const Position& o) const {
    const PoolAxis(&axis)[3] = window.axis;
    const std::int64_t plane = o.sample * channels + o.channel;
    return ((plane * axis[0].outputs + o.at[0]) * axis[1].outputs + o.at[1]) * axis[2].outputs + o.at[2];
  }
};

template <class T>
void run(const PoolGradientArgs& args) {
  const Place& place = *args.dx.place;
  std::int64_t* taken = nullptr;
  if (args.kind == PoolGradientKind::max && args.grad.size() > 0) {
    const Positions outputs(args.grad.shape, false);
    taken = place.memory<std::int64_t>(outputs.count() * 8);
    const FindTaps<T> find{args.x.as<T>(), Window(args.axis), Steps(args.x.strides), outputs, taken};
    launch_elements(place, "pool_gradient", outputs.count(), find);
  }
  const Gather<T> gather{args.grad.as<T>(),
                         args.dx.as<T>(),
                         Window(args.axis),
                         Steps(args.grad.strides),
                         Steps(args.dx.strides),
                         Positions(args.dx.shape, args.channels_last),
                         taken,
                         args.dx.shape[1],
                         args.count_padding};
  launch_elements(place, "pool_gradient", args.dx.size(), gather);
}

}  // namespace

const char* cuda_pool_gradient(const PoolGradientArgs& args) {
  return guarded("pool_gradient", [&] {
    if (args.dx.size() == 0) return;
    if (args.dx.dtype == DType::f64)
      run<double>(args);
    else
      run<float>(args);
  });
}

}  // namespace stretto
