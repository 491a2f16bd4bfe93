// What average and max pooling share: the walk over output rows, and windows that lie two by two in a row.
#pragma once

#include "kernels/pool/pool.h"
#include "simd/partial.h"

namespace stretto::STRETTO_ISA {

// Calls f(x, out, d, h) for the output rows [begin, end), numbered (sample, channel, depth, height),
// `channels` of them a sample; x is the plane.
template <class T, class F>
STRETTO_INLINE void each_row(const PoolArgs& args, std::int64_t channels, std::int64_t begin,
                             std::int64_t end, F&& f) {
  const std::int64_t heights = args.axis[1].outputs, depths = args.axis[0].outputs;
  const std::int64_t plane = begin / (heights * depths);
  std::int64_t h = begin % heights, d = begin / heights % depths;
  std::int64_t c = plane % channels, sample = plane / channels;
  for (std::int64_t row = begin; row < end; ++row) {
    f(args.x.as<T>() + sample * args.x.strides[0] + c * args.x.strides[1],
      args.out.as<T>() + sample * args.out.strides[0] + c * args.out.strides[1] + d * args.out.strides[2] +
          h * args.out.strides[3],
      d, h);
    if (++h < heights) continue;
    h = 0;
    if (++d < depths) continue;
    d = 0;
    if (++c < channels) continue;
    c = 0;
    ++sample;
  }
}

// NaN wins; of several, the last.
template <class V>
STRETTO_INLINE V largest(V best, V x) {
  return select(is_nan(x), x, max(x, best));  // of NaN and a number max() gives the second
}

// Every output of a row sees two columns of its own, none of them padding.
STRETTO_INLINE bool is_in_pairs(const PoolAxis& width) {
  return !width.adaptive && width.window == 2 && width.stride == 2 && width.dilation == 1 &&
         width.before == 0 && 2 * width.outputs <= width.size;
}

// out[j] = join(column(2 j), column(2 j + 1)) for n outputs; load(i, count) gives the first `count` columns
// from i on, down all rows.
template <class T, class Load, class Join>
STRETTO_INLINE void join_pairs(std::int64_t n, T* out, Load&& load, Join&& join) {
  using V = Vec<T>;
  constexpr std::int64_t lanes = V::lanes;
  const auto joined_at = [&](std::int64_t j) __attribute__((always_inline)) {
    const V a = load(2 * j, int(lanes)), b = load(2 * j + lanes, int(lanes));
    return join(even_lanes(a, b), odd_lanes(a, b));
  };
  std::int64_t j = 0;
  for (; j + lanes <= n; j += lanes) joined_at(j).store(out + j);
  if (j == n) return;
  if (n > lanes) return joined_at(n - lanes).store(out + n - lanes);  // some once more
  const int count = int(2 * n), first = count < lanes ? count : int(lanes);
  const V a = load(0, first), b = count > lanes ? load(lanes, count - int(lanes)) : V::zero();
  join(even_lanes(a, b), odd_lanes(a, b)).store(out, int(n));
}

}  // namespace stretto::STRETTO_ISA
