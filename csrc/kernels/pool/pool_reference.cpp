// Pooling as plain loops: oracle of every other variant, and last row of the table.
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/pool/pool.h"
#include "kernels/sum_reference.h"

namespace stretto {
namespace {

template <class T>
T largest(const std::vector<T>& values) {
  using Limits = std::numeric_limits<T>;
  T result = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  for (const T value : values)
    if (value > result || value != value) result = value;
  if constexpr (std::is_floating_point_v<T>) return result + T(0);
  return result;
}

// The taps of the output at o, in C order; those outside x are +0 or, for max, left out.
template <class T>
std::vector<T> window_of(const PoolArgs& args, const T* x, const std::int64_t (&o)[3]) {
  const PoolAxis(&axis)[3] = args.axis;
  const std::int64_t* step = args.x.strides.at + 2;
  std::vector<T> values;
  for (std::int64_t i = 0; i < axis[0].taps(o[0]); ++i) {
    for (std::int64_t j = 0; j < axis[1].taps(o[1]); ++j) {
      for (std::int64_t k = 0; k < axis[2].taps(o[2]); ++k) {
        const std::int64_t d = axis[0].begin(o[0]) + i * axis[0].dilation;
        const std::int64_t h = axis[1].begin(o[1]) + j * axis[1].dilation;
        const std::int64_t w = axis[2].begin(o[2]) + k * axis[2].dilation;
        if (axis[0].has(d) && axis[1].has(h) && axis[2].has(w))
          values.push_back(x[d * step[0] + h * step[1] + w * step[2]]);
        else if (args.kind == PoolKind::average)
          values.push_back(T(0));
      }
    }
  }
  return values;
}

template <class T>
void run(const PoolArgs& args) {
  const Dims &shape = args.out.shape, &from = args.x.strides, &to = args.out.strides;
  std::int64_t o[3];
  for (std::int64_t n = 0; n < shape[0]; ++n)
    for (std::int64_t c = 0; c < shape[1]; ++c)
      for (o[0] = 0; o[0] < shape[2]; ++o[0])
        for (o[1] = 0; o[1] < shape[3]; ++o[1])
          for (o[2] = 0; o[2] < shape[4]; ++o[2]) {
            const std::vector<T> values = window_of(args, args.x.as<T>() + n * from[0] + c * from[1], o);
            T& out = args.out.as<T>()[n * to[0] + c * to[1] + o[0] * to[2] + o[1] * to[3] + o[2] * to[4]];
            if (args.kind == PoolKind::max) {
              out = largest(values);
            } else {
              std::int64_t count = 1;
              for (int i = 0; i < 3; ++i) count *= args.axis[i].counted(o[i], args.count_padding);
              const T sum = sum_reference<T>(std::int64_t(values.size()),
                                             [&](std::int64_t k) { return values[std::size_t(k)]; });
              out = count == 0 ? T(0) : sum / T(count);
            }
          }
}

}  // namespace

void pool_reference(const PoolArgs& args, int) {
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_arithmetic_v<T>) run<T>(args);
  });
}

}  // namespace stretto
