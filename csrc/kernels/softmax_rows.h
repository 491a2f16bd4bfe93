// softmax of contiguous rows:  m = max(x); e = exp(x - m); y = e / sum(e), or (x - m) - log(sum(e))
#pragma once

#include "kernels/stripes.h"
#include "kernels/transcendental.h"
#include "simd/abreast.h"
#include "simd/store_first.h"

namespace stretto::STRETTO_ISA {

// One vector after another folded into the stripes, in the order of memory.
template <class S, class W>
STRETTO_INLINE S added(S stripes, W x) {
  if constexpr (W::lanes == S::lanes)
    return stripes + x;
  else
    return added(added(stripes, x.low), x.high);
}
template <class V, class W>
STRETTO_INLINE V least_of(V least, W x) {
  if constexpr (W::lanes == V::lanes)
    return min(least, x);
  else
    return least_of(least_of(least, x.low), x.high);
}

// The tree over 16 stripes, down to one vector.
template <class V, class S>
STRETTO_INLINE V folded(S stripes) {
  if constexpr (S::lanes == V::lanes)
    return stripes;
  else
    return folded<V>(stripes.low + stripes.high);
}

// exp(d) of differences to the largest; `is_bounded`: none is NaN. `least` gets the least of all.
template <class V, class W>
STRETTO_INLINE W exp_of_differences(W d, bool is_bounded, V& least) {
  least = least_of(least, d);
  const V limit = V::broadcast(-kNear<typename V::scalar>);
  if (is_bounded && V::bitmask(less(least, limit)) == 0) [[likely]]
    return exp_near(d);
  return exp(d);
}

// What is left of a row after its whole stripes, vector by vector.
template <class C>
struct Tail {
  static constexpr int parts = kStripes / Vec<C>::lanes;
  int count[parts];
  Part<C> part[parts];
  STRETTO_INLINE explicit Tail(std::int64_t n) {
    for (int p = 0; p < parts; ++p) {
      const int left = int(n % kStripes) - p * Vec<C>::lanes;
      count[p] = left < 0 ? 0 : left < Vec<C>::lanes ? left : Vec<C>::lanes;
      part[p] = Part<C>(0, count[p]);
    }
  }
};

// exp(x - m) into y, n <= 4096 of them; returns the stripes of their sum, as the sum of a segment has them.
// The rows after these begin `next_x` and `next_y` elements further on: meanwhile they come into the cache.
template <class C>
STRETTO_INLINE Vec<C> exponentials(const C* x, std::int64_t next_x, C* y, std::int64_t next_y, std::int64_t n,
                                   const Tail<C>& tail, C largest, Vec<C>& least) {
  using V = Vec<C>;
  using Stripes = Several<V, kStripes / V::lanes>;
  using Block = std::conditional_t<(Stripes::lanes < 4 * V::lanes), Several<V, 4>, Stripes>;
  constexpr std::int64_t line = 64 / sizeof(C);
  const bool is_bounded = largest - largest == C(0);
  Stripes sum = Stripes::zero();
  const auto take = [&]<class W>(W m, std::int64_t k) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (std::int64_t i = 0; i < W::lanes; i += line) {
      __builtin_prefetch(x + next_x + k + i);
      __builtin_prefetch(y + next_y + k + i, 1);
    }
    const W e = exp_of_differences(W::load(x + k) - m, is_bounded, least);
    e.store(y + k);
    sum = added(sum, e);
  };
  std::int64_t k = 0;
  for (; k + Block::lanes <= n; k += Block::lanes) take(Block::broadcast(largest), k);
  for (; k + Stripes::lanes <= n; k += Stripes::lanes) take(Stripes::broadcast(largest), k);
  if (k == n) return folded<V>(sum);
  // +0 joins the stripes that end before the others: none of them is -0.
  const auto d = made_of<Stripes, V>([&](int p) __attribute__((always_inline)) {
    const V v = tail.part[p].load(x + k + p * V::lanes) - V::broadcast(largest);
    return tail.part[p].choose(v, V::zero());
  });
  const auto e = exp_of_differences(d, is_bounded, least);
  return folded<V>(sum + mapped<V>(e, [&](V v, int p) __attribute__((always_inline)) {
                     if (tail.count[p] > 0) store_first(v, y + k + p * V::lanes, tail.count[p]);
                     return tail.part[p].choose(v, V::zero());
                   }));
}

// f of each vector of a row, in place or not; the last one may take some elements once more.
template <class C, class F>
STRETTO_INLINE void map_row(const C* from, C* to, std::int64_t n, F&& f) {
  using V = Vec<C>;
  if (n < V::lanes) return store_first(f(V::load(from, int(n))), to, int(n));
  const V last = f(V::load(from + n - V::lanes));
  std::int64_t k = 0;
  for (; k + 4 * V::lanes <= n; k += 4 * V::lanes)
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) f(V::load(from + k + u * V::lanes)).store(to + k + u * V::lanes);
  for (; k + V::lanes <= n; k += V::lanes) f(V::load(from + k)).store(to + k);
  last.store(to + n - V::lanes);
}

// e / total for each e = exp(d) of a row, d >= `least`. A float32 quotient is a product by the reciprocal and
// one correction, which rounds right if nothing underflows: its error before the last rounding is below
// 2.5 * 2^-24 of a unit, and all pairs of significands whose quotient is so near to a midpoint were tried.
template <class C>
STRETTO_INLINE void divide_row(C* y, std::int64_t n, C total, Vec<C> least) {
  using V = Vec<C>;
  const V s = V::broadcast(total);
  if constexpr (std::is_same_v<C, float>) {
    const bool is_normal = V::bitmask(less_equal(V::broadcast(-40), least)) == (1u << V::lanes) - 1u;
    if (is_normal && total < 0x1p24f) [[likely]] {
      const V reciprocal = V::broadcast(1) / s, minus = negated(s);
      return map_row(y, y, n, [&](V e) __attribute__((always_inline)) {
        const V q = e * reciprocal;
        return fma(fma(q, minus, e), reciprocal, q);
      });
    }
  }
  map_row(y, y, n, [&](V e) __attribute__((always_inline)) { return e / s; });
}

// Of `rows` rows, at most a vector's lanes, each `x_step` or `y_step` elements after the one before. x may be
// y, unless it is a log_softmax.
template <class C>
void softmax_few(const C* x, std::int64_t x_step, C* y, std::int64_t y_step, int rows, std::int64_t n,
                 bool is_log) {
  using V = Vec<C>;
  alignas(64) C largest[V::lanes], total[V::lanes] = {};
  V lane[V::lanes], least[V::lanes];
  for (V& v : least) v = V::zero();
  for (int r = 0; r < V::lanes; ++r)
    lane[r] = r < rows ? extremes<Largest>(x + r * x_step, n, V::zero()) : V::zero();
  (fold_lanes<Largest>(lane) + V::zero()).store(largest);
  if (n <= kSumSegment) {
    const Tail<C> tail(n);
    for (int r = 0; r < V::lanes; ++r)
      lane[r] = r < rows ? exponentials(x + r * x_step, rows * x_step, y + r * y_step, rows * y_step, n, tail,
                                        largest[r], least[r])
                         : V::zero();
    fold_lanes<SumOf>(lane).store(total);
  } else {
    for (int r = 0; r < rows; ++r) {
      for (std::int64_t k = 0; k < n; k += kSumSegment) {
        const std::int64_t count = n - k < kSumSegment ? n - k : kSumSegment;
        exponentials(x + r * x_step + k, kSumSegment, y + r * y_step + k, kSumSegment, count, Tail<C>(count),
                     largest[r], least[r]);
      }
      total[r] = whole_row<SumOf, C>(y + r * y_step, n, C(0));
    }
  }
  if (!is_log) {
    for (int r = 0; r < rows; ++r) divide_row(y + r * y_step, n, total[r], least[r]);
    return;
  }
  log(V::load(total)).store(total);
  for (int r = 0; r < rows; ++r) {
    const V m = V::broadcast(largest[r]), s = V::broadcast(total[r]);
    map_row(x + r * x_step, y + r * y_step, n,
            [&](V v) __attribute__((always_inline)) { return (v - m) - s; });
  }
}

// As few rows at once as the first-level cache holds for three passes.
template <class C>
void softmax_rows(const C* x, std::int64_t x_step, C* y, std::int64_t y_step, int rows, std::int64_t n,
                  bool is_log) {
  constexpr std::int64_t kBytes = 32 << 10;
  const std::int64_t fit = kBytes / (2 * std::int64_t(sizeof(C)) * (n + 1));
  const int few = fit < 1 ? 1 : fit < rows ? int(fit) : rows;
  for (int r = 0; r < rows; r += few)
    softmax_few(x + r * x_step, x_step, y + r * y_step, y_step, rows - r < few ? rows - r : few, n, is_log);
}

}  // namespace stretto::STRETTO_ISA
