// softmax of contiguous rows:  m = max(x); e = exp(x - m); y = e / sum(e), or (x - m) - log(sum(e))
#pragma once

#include "kernels/stripes.h"
#include "kernels/transcendental.h"

namespace stretto::STRETTO_ISA {

// exp of differences to the largest, in place; `is_bounded`: none is NaN.
template <int n, class V>
STRETTO_INLINE void exp_of_differences(V (&d)[n], bool is_bounded) {
  V least = d[0];
#pragma GCC unroll 8
  for (int u = 1; u < n; ++u) least = min(least, d[u]);
  if (is_bounded && V::bitmask(less(least, V::broadcast(-kNear<typename V::scalar>))) == 0) [[likely]] {
#pragma GCC unroll 8
    for (V& v : d) v = exp_near(v);
  } else {
#pragma GCC unroll 1
    for (V& v : d) v = exp(v);
  }
}

// exp(x - m) into y, n <= 4096 of them; returns the stripes of their sum, as stripes_of does.
template <class C>
STRETTO_INLINE Vec<C> exponentials(const C* x, C* y, std::int64_t n, C largest) {
  using V = Vec<C>;
  constexpr int parts = kStripes / V::lanes, unroll = parts > 4 ? parts : 4;
  constexpr std::int64_t block = unroll * V::lanes;
  const V m = V::broadcast(largest);
  const bool is_bounded = largest - largest == C(0);
  V acc[parts];
  for (V& a : acc) a = V::zero();
  std::int64_t k = 0;
  for (; k + block <= n; k += block) {
    V e[unroll];
#pragma GCC unroll 8
    for (int u = 0; u < unroll; ++u) e[u] = V::load(x + k + u * V::lanes) - m;
    exp_of_differences(e, is_bounded);
#pragma GCC unroll 8
    for (int u = 0; u < unroll; ++u) {
      e[u].store(y + k + u * V::lanes);
      acc[u % parts] = acc[u % parts] + e[u];
    }
  }
#pragma GCC unroll 8
  for (int u = 0; u < unroll; ++u, k += V::lanes) {
    if (k >= n) break;
    const int count = n - k < V::lanes ? int(n - k) : V::lanes;
    const Part<C> part(0, count);
    V e[1] = {part.choose(V::load(x + k, count) - m, V::zero())};
    exp_of_differences(e, is_bounded);
    e[0].store(y + k, count);
    V& a = acc[u % parts];
    a = part.choose(a + e[0], a);
  }
#pragma GCC unroll 4
  for (int h = parts / 2; h >= 1; h /= 2)
    for (int p = 0; p < h; ++p) acc[p] = acc[p] + acc[p + h];
  return acc[0];
}

// The last step of a row; `total` is the sum, or its logarithm.
template <class C>
STRETTO_INLINE void finish_softmax(const C* x, C* y, std::int64_t n, C largest, C total, bool is_log) {
  using V = Vec<C>;
  const V m = V::broadcast(largest), s = V::broadcast(total);
  std::int64_t k = 0;
  if (is_log) {
    for (; k + V::lanes <= n; k += V::lanes) ((V::load(x + k) - m) - s).store(y + k);
    if (k < n) ((V::load(x + k, int(n - k)) - m) - s).store(y + k, int(n - k));
  } else {
    for (; k + V::lanes <= n; k += V::lanes) (V::load(y + k) / s).store(y + k);
    if (k < n) (V::load(y + k, int(n - k)) / s).store(y + k, int(n - k));
  }
}

// Of `rows` rows, at most a vector's lanes, each `x_step` or `y_step` elements after the one before. x may be
// y, unless it is a log_softmax.
template <class C>
void softmax_rows(const C* x, std::int64_t x_step, C* y, std::int64_t y_step, int rows, std::int64_t n,
                  bool is_log) {
  using V = Vec<C>;
  alignas(64) C largest[V::lanes], total[V::lanes] = {};
  V lane[V::lanes];
  for (int r = 0; r < V::lanes; ++r)
    lane[r] = r < rows ? extremes<Largest>(x + r * x_step, n, V::zero()) : V::zero();
  (fold_lanes<Largest>(lane) + V::zero()).store(largest);
  if (n <= kSumSegment) {
    for (int r = 0; r < V::lanes; ++r)
      lane[r] = r < rows ? exponentials(x + r * x_step, y + r * y_step, n, largest[r]) : V::zero();
    fold_lanes<SumOf>(lane).store(total);
  } else {
    for (int r = 0; r < rows; ++r) {
      for (std::int64_t k = 0; k < n; k += kSumSegment)
        exponentials(x + r * x_step + k, y + r * y_step + k, n - k < kSumSegment ? n - k : kSumSegment,
                     largest[r]);
      total[r] = whole_row<SumOf, C>(y + r * y_step, n, C(0));
    }
  }
  if (is_log) log(V::load(total)).store(total);
  for (int r = 0; r < rows; ++r)
    finish_softmax(x + r * x_step, y + r * y_step, n, largest[r], total[r], is_log);
}

}  // namespace stretto::STRETTO_ISA
