// The contract's sum (16 stripes, segments of 4096, a fixed tree) and its kin, for one instruction set.
#pragma once

#include <type_traits>

#include "simd/partial.h"
#include "simd/scalar.h"
#include "simd/simd.h"
#include "simd/transpose.h"

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kSumSegment = 4096;
inline constexpr int kStripes = 16;

// What one step adds to a stripe; `mean` is of use to one of them only.
struct SumOf {
  static constexpr bool kAnyOrder = false;
  template <class V>
  STRETTO_INLINE static V start() {
    return V::zero();
  }
  template <class V>
  STRETTO_INLINE static V step(V s, V x, V) {
    return s + x;
  }
  using Above = SumOf;  // what joins the segments
};
struct SumOfSquares {
  static constexpr bool kAnyOrder = false;
  template <class V>
  STRETTO_INLINE static V start() {
    return V::zero();
  }
  template <class V>
  STRETTO_INLINE static V step(V s, V x, V) {
    return s + x * x;
  }
  using Above = SumOf;
};
struct SumOfSquaredDifferences {
  static constexpr bool kAnyOrder = false;
  template <class V>
  STRETTO_INLINE static V start() {
    return V::zero();
  }
  template <class V>
  STRETTO_INLINE static V step(V s, V x, V mean) {
    const V d = x - mean;
    return s + d * d;
  }
  using Above = SumOf;
};
struct Largest {  // NaN wins
  static constexpr bool kAnyOrder = true;
  template <class V>
  STRETTO_INLINE static V start() {
    return V::broadcast(-__builtin_inff());
  }
  template <class V>
  STRETTO_INLINE static V step(V s, V x, V) {
    return select(V::either(less(s, x), is_nan(x)), x, s);
  }
  template <class V>
  STRETTO_INLINE static V step_but_nan(V s, V x) {
    return max(x, s);
  }
  using Above = Largest;
};
struct Smallest {
  static constexpr bool kAnyOrder = true;
  template <class V>
  STRETTO_INLINE static V start() {
    return V::broadcast(__builtin_inff());
  }
  template <class V>
  STRETTO_INLINE static V step(V s, V x, V) {
    return select(V::either(less(x, s), is_nan(x)), x, s);
  }
  template <class V>
  STRETTO_INLINE static V step_but_nan(V s, V x) {
    return min(x, s);
  }
  using Above = Smallest;
};

// s[0] of 16 stripes of which the first `used` were touched; the others hold the neutral start.
template <class Fold, class C>
STRETTO_INLINE C fold_stripes(C* s, std::int64_t used) {
  using S = Scalar<C>;
  int h = kStripes / 2;
  while (h > 1 && used <= h) h /= 2;
  for (; h >= 1; h /= 2)
    for (int j = 0; j < h; ++j) s[j] = Fold::Above::step(S{s[j]}, S{s[j + h]}, S{C(0)}).v;
  return s[0];
}

// The same for rows in which a NaN may be.
template <class Fold, class E, class V>
__attribute__((noinline)) V extremes_or_nan(const E* x, std::int64_t n, V) {
  V best = Fold::template start<V>();
  auto any_nan = V::none();
  for (std::int64_t k = 0; k < n; k += V::lanes) {
    const int count = n - k < V::lanes ? int(n - k) : V::lanes;
    const V v = Part<typename V::scalar>(0, count).choose(V::load(x + k, count), best);
    best = Fold::step_but_nan(best, v);
    any_nan = V::either(any_nan, is_nan(v));
  }
  return select(any_nan, V::broadcast(__builtin_nanf("")), best);
}

// A row's fold of any order, a lane each; chains enough hide a step's latency. A sum that is not NaN has no
// NaN among its terms.
template <class Fold, class E, class V>
STRETTO_INLINE V extremes(const E* x, std::int64_t n, V) {
  constexpr int chains = 4;
  V best[chains], sum[chains];
  for (V& b : best) b = Fold::template start<V>();
  for (V& s : sum) s = V::zero();
  const auto take = [&](int c, V v) __attribute__((always_inline)) {
    best[c] = Fold::step_but_nan(best[c], v);
    sum[c] = sum[c] + v;
  };
  std::int64_t k = 0;
  for (; k + chains * V::lanes <= n; k += chains * V::lanes)
#pragma GCC unroll 4
    for (int c = 0; c < chains; ++c) take(c, V::load(x + k + c * V::lanes));
  for (; k + V::lanes <= n; k += V::lanes) take(0, V::load(x + k));
  if (k < n && n >= V::lanes)
    take(1, V::load(x + n - V::lanes));  // some once more
  else if (k < n)
    take(1, Part<typename V::scalar>(0, n - k).choose(V::load(x + k, int(n - k)), best[1]));
  const auto any_nan = is_nan((sum[0] + sum[1]) + (sum[2] + sum[3]));
  if (V::bitmask(any_nan) != 0) [[unlikely]]
    return extremes_or_nan<Fold>(x, n, V::zero());
  return Fold::step_but_nan(Fold::step_but_nan(best[0], best[1]), Fold::step_but_nan(best[2], best[3]));
}

// The stripes of `rows` segments of n <= 4096 contiguous elements, as many as a vector's lanes: stripe j of
// row r is what the tree has made of them in lane j of out[r].
template <class Fold, int rows, class C, class E>
STRETTO_INLINE void stripes_of(const E* const* x, std::int64_t n, const C* means, Vec<C>* out) {
  using V = Vec<C>;
  if constexpr (Fold::kAnyOrder) {
    for (int r = 0; r < rows; ++r) out[r] = extremes<Fold>(x[r], n, V::zero());
  } else {
    constexpr int parts = kStripes / V::lanes;
    V acc[rows][parts], mean[rows];
    for (int r = 0; r < rows; ++r) {
      mean[r] = V::broadcast(means ? means[r] : C(0));
      for (V& a : acc[r]) a = Fold::template start<V>();
    }
    std::int64_t k = 0;
    for (; k + kStripes <= n; k += kStripes)
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r)
#pragma GCC unroll 16
        for (int p = 0; p < parts; ++p)
          acc[r][p] = Fold::step(acc[r][p], V::load(x[r] + k + p * V::lanes), mean[r]);
#pragma GCC unroll 16
    for (int p = 0; p < parts; ++p, k += V::lanes) {
      if (k >= n) break;
      const int count = n - k < V::lanes ? int(n - k) : V::lanes;
      const Part<C> part(0, count);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r)
        acc[r][p] = part.choose(Fold::step(acc[r][p], V::load(x[r] + k, count), mean[r]), acc[r][p]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (int h = parts / 2; h >= 1; h /= 2)
        for (int p = 0; p < h; ++p) acc[r][p] = Fold::Above::step(acc[r][p], acc[r][p + h], V::zero());
      out[r] = acc[r][0];
    }
  }
}

// What is left of the tree, for a square of rows and lanes; a lane of the result is a row.
template <class Fold, class V>
STRETTO_INLINE V fold_lanes(V (&row)[V::lanes]) {
  transpose(row);
#pragma GCC unroll 4
  for (int h = V::lanes / 2; h >= 1; h /= 2)
#pragma GCC unroll 8
    for (int j = 0; j < h; ++j) row[j] = Fold::Above::step(row[j], row[j + h], V::zero());
  return row[0];
}

// Totals of a vector's lanes of segments side by side, each of n <= 4096 contiguous elements; E may be a
// 16-bit float, C is the computation type.
template <class Fold, class C, class E>
inline void segments(const E* const* x, std::int64_t n, const C* means, C* totals) {
  using V = Vec<C>;
  constexpr int at_once = V::lanes < 4 || sizeof(C) == 8 ? 2 : 4;
  V row[V::lanes];
  const auto stripes = [&](auto count) __attribute__((always_inline)) {
    for (int r = 0; r < V::lanes; r += count)
      stripes_of<Fold, count>(x + r, n, means ? means + r : nullptr, row + r);
  };
  // More rows hide the latency of an addition; fewer are what prefetchers follow, where rows are long.
  if (n <= 512)
    stripes(std::integral_constant<int, at_once>());
  else
    stripes(std::integral_constant<int, 2>());
  fold_lanes<Fold>(row).store(totals);
}

// One segment.
template <class Fold, class C, class E>
STRETTO_INLINE C segment(const E* x, std::int64_t n, C mean) {
  using S = Scalar<C>;
  alignas(64) C s[Vec<C>::lanes];
  Vec<C> row[1];
  stripes_of<Fold, 1>(&x, n, &mean, row);
  row[0].store(s);
  for (int h = Vec<C>::lanes / 2; h >= 1; h /= 2)
    for (int j = 0; j < h; ++j) s[j] = Fold::Above::step(S{s[j]}, S{s[j + h]}, S{C(0)}).v;
  return s[0];
}

// A contiguous row of any length.
template <class Fold, class C, class E>
inline C whole_row(const E* x, std::int64_t n, C mean) {
  if (n <= kSumSegment) return segment<Fold>(x, n, mean);
  // Segment totals go into stripes of their own, and so on upwards.
  constexpr int kLevels = 4;
  C stripes[kLevels][kStripes];
  std::int64_t count[kLevels] = {};
  const auto push = [&](auto&& self, int level, C total) -> void {
    using S = Scalar<C>;
    if (count[level] == 0)
      for (C& s : stripes[level]) s = Fold::Above::template start<S>().v;
    C& s = stripes[level][count[level] % kStripes];
    s = Fold::Above::step(S{s}, S{total}, S{C(0)}).v;
    if (++count[level] < kSumSegment) return;
    count[level] = 0;
    self(self, level + 1, fold_stripes<Fold>(stripes[level], kStripes));
  };
  for (std::int64_t k = 0; k < n; k += kSumSegment)
    push(push, 0, segment<Fold>(x + k, n - k < kSumSegment ? n - k : kSumSegment, mean));
  int top = kLevels - 1;
  while (top > 0 && count[top] == 0) --top;
  for (int level = 0; level < top; ++level) {
    if (count[level] == 0) continue;
    const C total = fold_stripes<Fold>(stripes[level], kStripes);
    count[level] = 0;
    push(push, level + 1, total);
    while (top < kLevels - 1 && count[top + 1] != 0) ++top;
  }
  return fold_stripes<Fold>(stripes[top], kStripes);
}

}  // namespace stretto::STRETTO_ISA
