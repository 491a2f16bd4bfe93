// Averages of windows of at most 16 elements, each of which is a stripe of its own, and of some more.
#pragma once

#include "kernels/pool/pool_rows.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {

// The tree of the sum rule over `taps` elements, at most 16, each a stripe of its own: stripe j after the
// step h.
template <class T, int taps, int stride, int j, int h>
STRETTO_INLINE T tree(const T* const (&p)[taps], std::int64_t i) {
  if constexpr (h == kStripes)
    return p[j][i * stride];
  else if constexpr (j + h < taps)
    return tree<T, taps, stride, j, 2 * h>(p, i) + tree<T, taps, stride, j + h, 2 * h>(p, i);
  else
    return tree<T, taps, stride, j, 2 * h>(p, i);
}

// Averages of n windows from the elements of the first on. Adding +0 at the end has the effect of adding it
// to each.
template <class T, int taps, int stride>
void average_few(const T* const* at, T divisor, T* __restrict out, std::int64_t n) {
  const T* p[taps];
  for (int k = 0; k < taps; ++k) p[k] = at[k];
#pragma GCC ivdep
  for (std::int64_t i = 0; i < n; ++i) out[i] = (tree<T, taps, stride, 0, 1>(p, i) + T(0)) / divisor;
}

// The same for windows of two rows that lie two by two; a product by the inverse of 4 is the quotient.
template <class T>
void average_pairs(const T* const* at, T four, T* out, std::int64_t n) {
  using V = Vec<T>;
  const V quarter = V::broadcast(T(1) / four);
  join_pairs(
      n, out,
      [&](std::int64_t i, int lanes) __attribute__((always_inline)) {
        return lanes == V::lanes ? V::load(at[0] + i) + V::load(at[2] + i)
                                 : V::load(at[0] + i, lanes) + V::load(at[2] + i, lanes);
      },
      [&](V even, V odd) __attribute__((always_inline)) { return ((even + odd) + V::zero()) * quarter; });
}

// The same of more taps, which take turns at the stripes, with stride 1.
template <class T>
[[gnu::noinline]] void average_many(const T* const* at, std::int64_t taps, T divisor, T* out,
                                    std::int64_t n) {
  using V = Vec<T>;
  for (std::int64_t i = 0; i < n; i += V::lanes) {
    const int lanes = n - i < V::lanes ? int(n - i) : V::lanes;
    V stripe[kStripes];
#pragma GCC unroll 16
    for (int j = 0; j < kStripes; ++j) stripe[j] = V::zero();
    for (std::int64_t t = 0; t < taps; t += kStripes) {
#pragma GCC unroll 16
      for (int j = 0; j < kStripes; ++j)
        if (t + j < taps)
          stripe[j] =
              stripe[j] + (lanes == V::lanes ? V::load(at[t + j] + i) : V::load(at[t + j] + i, lanes));
    }
#pragma GCC unroll 4
    for (int half = kStripes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
      for (int j = 0; j < half; ++j) stripe[j] = stripe[j] + stripe[j + half];
    (stripe[0] / V::broadcast(divisor)).store(out + i, lanes);
  }
}

template <class T>
using AverageFew = void (*)(const T* const*, T, T*, std::int64_t);

// nullptr for windows and strides that have no loop of their own.
template <class T, int stride>
STRETTO_INLINE AverageFew<T> average_few_for(std::int64_t taps) {
  switch (taps) {
    case 2:
      return average_few<T, 2, stride>;
    case 3:
      return average_few<T, 3, stride>;
    case 4:
      return average_few<T, 4, stride>;
    case 8:
      return average_few<T, 8, stride>;
    case 9:
      return average_few<T, 9, stride>;
    case 16:
      return average_few<T, 16, stride>;
    default:
      return nullptr;
  }
}

inline constexpr int kManyTaps = 64;

// Where the taps of output (d, h, w) are, those of rows outside x in `zeros`; false when one of a row inside
// is not.
template <class T>
STRETTO_INLINE bool find_taps(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                              std::int64_t w, const T* zeros, const T** at) {
  const PoolAxis(&axis)[3] = args.axis;
  for (std::int64_t i = 0; i < axis[0].window; ++i) {
    for (std::int64_t j = 0; j < axis[1].window; ++j) {
      const std::int64_t from_d = axis[0].begin(d) + i * axis[0].dilation;
      const std::int64_t from_h = axis[1].begin(h) + j * axis[1].dilation;
      const bool is_inside = axis[0].has(from_d) && axis[1].has(from_h);
      for (std::int64_t k = 0; k < axis[2].window; ++k) {
        const std::int64_t from_w = axis[2].begin(w) + k * axis[2].dilation;
        if (!axis[2].has(from_w)) return false;
        *at++ = !is_inside ? zeros
                           : x + from_d * args.x.strides[2] + from_h * args.x.strides[3] +
                                 from_w * args.x.strides[4];
      }
    }
  }
  return true;
}

// The sum over the window of one output, of at most a segment of taps, which take turns at the stripes.
template <class T>
[[gnu::noinline]] T sum_of_one(const PoolArgs& args, const T* x, std::int64_t d, std::int64_t h,
                               std::int64_t w) {
  const PoolAxis(&axis)[3] = args.axis;
  T stripe[kStripes] = {};
  int next = 0;
  for (std::int64_t i = 0; i < axis[0].window; ++i)
    for (std::int64_t j = 0; j < axis[1].window; ++j) {
      const std::int64_t from_d = axis[0].begin(d) + i * axis[0].dilation;
      const std::int64_t from_h = axis[1].begin(h) + j * axis[1].dilation;
      const bool is_inside = axis[0].has(from_d) && axis[1].has(from_h);
      const T* const row = x + from_d * args.x.strides[2] + from_h * args.x.strides[3];
      for (std::int64_t k = 0; k < axis[2].window; ++k, next = (next + 1) % kStripes) {
        const std::int64_t from_w = axis[2].begin(w) + k * axis[2].dilation;
        if (is_inside && axis[2].has(from_w)) stripe[next] += row[from_w * args.x.strides[4]];
      }
    }
  for (int half = kStripes / 2; half > 0; half /= 2)
    for (int j = 0; j < half; ++j) stripe[j] += stripe[j + half];
  return stripe[0];
}

// Whether windows are alike, and their sums one segment.
STRETTO_INLINE bool has_one_segment(const PoolArgs& args) {
  const PoolAxis(&axis)[3] = args.axis;
  std::int64_t taps = 1;
  for (const PoolAxis& a : axis) {
    if (a.adaptive || a.window > kSumSegment) return false;
    taps *= a.window;
  }
  return taps <= kSumSegment;
}

// The loop for windows of this size, where they are few and the same everywhere; otherwise nullptr.
template <class T>
STRETTO_INLINE AverageFew<T> few_for(const PoolArgs& args, std::int64_t stride) {
  const PoolAxis(&axis)[3] = args.axis;
  if (axis[0].adaptive || axis[1].adaptive || axis[2].adaptive) return nullptr;
  for (const PoolAxis& a : axis)
    if (a.window > kStripes) return nullptr;
  const std::int64_t taps = axis[0].window * axis[1].window * axis[2].window;
  if (taps == 4 && stride == 2 && is_in_pairs(axis[2])) return average_pairs<T>;
  return stride == 1 ? average_few_for<T, 1>(taps) : stride == 2 ? average_few_for<T, 2>(taps) : nullptr;
}

}  // namespace stretto::STRETTO_ISA
