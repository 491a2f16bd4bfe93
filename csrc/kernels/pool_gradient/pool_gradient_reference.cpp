// Gradients of pooling as plain loops: oracle of every other variant, and last row of the table.
#include <vector>

#include "kernels/offset.h"
#include "kernels/pool_gradient/pool_gradient.h"

namespace stretto {
namespace {

// Offsets in dx's plane of the taps of the output at o that are inside, in C order of the window.
std::vector<std::int64_t> inner_taps(const PoolGradientArgs& args, const std::int64_t (&o)[3]) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t* step = args.dx.strides.at + 2;
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < axis[0].taps(o[0]); ++i) {
    for (std::int64_t j = 0; j < axis[1].taps(o[1]); ++j) {
      for (std::int64_t k = 0; k < axis[2].taps(o[2]); ++k) {
        const std::int64_t d = axis[0].begin(o[0]) + i * axis[0].dilation;
        const std::int64_t h = axis[1].begin(o[1]) + j * axis[1].dilation;
        const std::int64_t w = axis[2].begin(o[2]) + k * axis[2].dilation;
        if (axis[0].has(d) && axis[1].has(h) && axis[2].has(w))
          offsets.push_back(d * step[0] + h * step[1] + w * step[2]);
      }
    }
  }
  return offsets;
}

template <class T>
void run(const PoolGradientArgs& args) {
  for (std::int64_t i = 0; i < args.dx.size(); ++i)
    args.dx.as<T>()[offset_of(i, args.dx.shape, args.dx.strides)] = T(0);
  const Dims &shape = args.grad.shape, &from = args.grad.strides, &to = args.dx.strides;
  std::int64_t o[3];
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (o[0] = 0; o[0] < shape[2]; ++o[0])
        for (o[1] = 0; o[1] < shape[3]; ++o[1])
          for (o[2] = 0; o[2] < shape[4]; ++o[2]) {
            const T g =
                args.grad
                    .as<T>()[n * from[0] + c * from[1] + o[0] * from[2] + o[1] * from[3] + o[2] * from[4]];
            T* dx = args.dx.as<T>() + n * to[0] + c * to[1];
            const std::vector<std::int64_t> taps = inner_taps(args, o);
            if (args.kind == PoolGradientKind::average) {
              std::int64_t count = 1;
              for (int i = 0; i < 3; ++i) count *= args.axis[i].counted(o[i], args.count_padding);
              for (const std::int64_t tap : taps) dx[tap] = dx[tap] + g / T(count);
            } else if (!taps.empty()) {
              const T* x = args.x.as<T>() + n * to[0] + c * to[1];
              std::int64_t best = taps[0];
              for (const std::int64_t tap : taps)
                if (x[tap] > x[best] || (x[tap] != x[tap] && x[best] == x[best])) best = tap;
              dx[best] = dx[best] + g;
            }
          }
}

}  // namespace

void pool_gradient_reference(const PoolGradientArgs& args, int) {
  if (args.grad.dtype == DType::f32)
    run<float>(args);
  else
    run<double>(args);
}

}  // namespace stretto
