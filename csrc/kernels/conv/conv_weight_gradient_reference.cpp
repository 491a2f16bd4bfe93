// The contract as plain loops: oracle of every other variant, and last row of the table.
#include <algorithm>
#include <vector>

#include "kernels/conv/conv_weight_gradient.h"
#include "kernels/dot_reference.h"
#include "kernels/offset.h"

namespace stretto {
namespace {

// The gradient of one element of the weight over one grain of samples.
template <class T>
Compute<T> grain_gradient(const ConvWeightGradientArgs& args, std::int64_t grain, std::int64_t o,
                          std::int64_t c, const std::int64_t t[kSpatial]) {
  const Dims &shape = args.grad.shape, &from = args.x.shape;
  const std::int64_t channel = o / (args.out.shape[0] / args.groups) * args.out.shape[1] + c;
  const std::int64_t last = std::min(from[0], (grain + 1) * args.grain);
  Dot<T> dot;
  for (std::int64_t n = grain * args.grain; n < last; ++n) {
    for (std::int64_t p = 0; p < shape[2] * shape[3] * shape[4]; ++p) {
      const std::int64_t at[] = {p / (shape[3] * shape[4]), p / shape[4] % shape[3], p % shape[4]};
      const T* g = args.grad.as<T>() + n * args.grad.strides[0] + o * args.grad.strides[1];
      const T* x = args.x.as<T>() + n * args.x.strides[0] + channel * args.x.strides[1];
      bool inside = true;
      for (int d = 0; d < kSpatial; ++d) {
        const std::int64_t i = at[d] * args.stride[d] + t[d] * args.dilation[d] - args.before[d];
        inside = inside && i >= 0 && i < from[2 + d];
        x += i * args.x.strides[2 + d];
        g += at[d] * args.grad.strides[2 + d];
      }
      dot.push(*g, inside ? *x : T{});
    }
  }
  return dot.total();
}

template <class T, class Out>
void run(const ConvWeightGradientArgs& args) {
  using C = Compute<T>;
  const Dims& shape = args.out.shape;
  for (std::int64_t i = 0; i < shape.product(); ++i) {
    const std::int64_t t[] = {i / (shape[4] * shape[3]) % shape[2], i / shape[4] % shape[3], i % shape[4]};
    const std::int64_t c = i / (shape[4] * shape[3] * shape[2]) % shape[1];
    const std::int64_t o = i / (shape[4] * shape[3] * shape[2] * shape[1]);
    std::vector<C> level;
    for (std::int64_t grain = 0; grain < args.grains(); ++grain)
      level.push_back(grain_gradient<T>(args, grain, o, c, t));
    while (level.size() > 1) {
      std::vector<C> next;
      for (std::size_t j = 0; j + 1 < level.size(); j += 2)
        next.push_back(multiply_add<C>(C(1), level[j + 1], level[j]));
      if (level.size() % 2) next.push_back(level.back());
      level = next;
    }
    args.out.as<Out>()[offset_of(i, shape, args.out.strides)] =
        narrow<Out>(level.empty() ? C(0) : C(level[0]));
  }
}

}  // namespace

void conv_weight_gradient_reference(const ConvWeightGradientArgs& args, int) {
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.out.dtype == args.x.dtype)
      run<T, T>(args);
    else
      run<T, Compute<T>>(args);
  });
}

}  // namespace stretto
