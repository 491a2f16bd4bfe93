// The contract's sum (16 stripes, segments of 4096, a fixed tree) and its kin, for one instruction set.
#pragma once

#include <type_traits>

#include "simd/partial.h"
#include "simd/scalar.h"
#include "simd/simd.h"
#include "simd/transpose.h"
#include "simd/upper_lanes.h"

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
    return select(is_nan(x), x, max(x, s));
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
    return select(is_nan(x), x, min(x, s));
  }
  template <class V>
  STRETTO_INLINE static V step_but_nan(V s, V x) {
    return min(x, s);
  }
  using Above = Smallest;
};

// s[0] of 16 stripes.
template <class Fold, class C>
STRETTO_INLINE C fold_stripes(C* s) {
  using S = Scalar<C>;
  for (int h = kStripes / 2; h >= 1; h /= 2)
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

// The stripes of a segment of at most 4096 elements, which are added run after run. One row after the other
// is what prefetchers follow: two at once take up to three times as long from memory, and one chain is no
// slower, since the next row's begins before it ends.
template <class Fold, class C>
class Stripes {
 public:
  using V = Vec<C>;
  STRETTO_INLINE explicit Stripes(C mean) : mean_(V::broadcast(mean)) {
#pragma GCC unroll 16
    for (int p = 0; p < parts; ++p) acc_[p] = Fold::template start<V>();
  }

  // Elements of which the first belongs to stripe 0.
  template <class E>
  STRETTO_INLINE void add(const E* x, std::int64_t n) {
    if constexpr (Fold::kAnyOrder) {
      acc_[0] = Fold::step(acc_[0], extremes<Fold>(x, n, V::zero()), V::zero());
    } else {
      constexpr int turn = 4 * kStripes;
      const auto take = [&](std::int64_t k) __attribute__((always_inline)) {
#pragma GCC unroll 16
        for (int p = 0; p < parts; ++p) acc_[p] = Fold::step(acc_[p], V::load(x + k + p * V::lanes), mean_);
      };
      std::int64_t k = 0;
      for (; k + turn <= n; k += turn)
#pragma GCC unroll 4
        for (int i = 0; i < turn; i += kStripes) take(k + i);
      for (; k + kStripes <= n; k += kStripes) take(k);
#pragma GCC unroll 16
      for (int p = 0; p < parts; ++p) {
        const int left = int(n - k) - p * V::lanes, count = left < V::lanes ? left : V::lanes;
        if (count > 0)
          acc_[p] = Part<C>(0, count).choose(Fold::step(acc_[p], V::load(x + k + p * V::lanes, count), mean_),
                                             acc_[p]);
      }
    }
  }

  // The first of them belongs to stripe `first`.
  STRETTO_INLINE void add_from(int first, const C* x, std::int64_t n) {
    if (first > 0 && !Fold::kAnyOrder) {
      const int end = n < kStripes - first ? first + int(n) : kStripes;
#pragma GCC unroll 16
      for (int p = 0; p < parts; ++p) {
        const Part<C> part(first - p * V::lanes, end - p * V::lanes);
        acc_[p] = part.choose(Fold::step(acc_[p], part.load(x - first + p * V::lanes), mean_), acc_[p]);
      }
      x += end - first;
      n -= end - first;
    }
    if (n > 0) add(x, n);
  }

  // Lane j is what the tree has made of stripe j.
  STRETTO_INLINE V total() {
#pragma GCC unroll 4
    for (int h = parts / 2; h >= 1; h /= 2)
#pragma GCC unroll 8
      for (int p = 0; p < h; ++p) acc_[p] = Fold::Above::step(acc_[p], acc_[p + h], V::zero());
    return acc_[0];
  }

 private:
  static constexpr int parts = Fold::kAnyOrder ? 1 : kStripes / V::lanes;
  V acc_[parts], mean_;
};

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

// The same for one row.
template <class Fold, class V>
STRETTO_INLINE typename V::scalar fold_lanes(V row) {
  if constexpr (V::lanes > 8) row = Fold::Above::step(row, upper_lanes<8>(row), V::zero());
  if constexpr (V::lanes > 4) row = Fold::Above::step(row, upper_lanes<4>(row), V::zero());
  if constexpr (V::lanes > 2) row = Fold::Above::step(row, upper_lanes<2>(row), V::zero());
  if constexpr (V::lanes > 1) row = Fold::Above::step(row, upper_lanes<1>(row), V::zero());
  alignas(64) typename V::scalar lane[V::lanes];
  row.store(lane);
  return lane[0];
}

// One segment.
template <class Fold, class C, class E>
STRETTO_INLINE C segment(const E* x, std::int64_t n, C mean) {
  if constexpr (Fold::kAnyOrder) return fold_lanes<Fold>(extremes<Fold>(x, n, Vec<C>::zero()));
  Stripes<Fold, C> stripes(mean);
  stripes.add(x, n);
  return fold_lanes<Fold>(stripes.total());
}

// A contiguous row of several segments, whose totals go into stripes of their own, and so on upwards.
template <class Fold, class C, class E>
[[gnu::noinline]] C long_row(const E* x, std::int64_t n, C mean) {
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
    self(self, level + 1, fold_stripes<Fold>(stripes[level]));
  };
  for (std::int64_t k = 0; k < n; k += kSumSegment)
    push(push, 0, segment<Fold>(x + k, n - k < kSumSegment ? n - k : kSumSegment, mean));
  int top = kLevels - 1;
  while (top > 0 && count[top] == 0) --top;
  for (int level = 0; level < top; ++level) {
    if (count[level] == 0) continue;
    const C total = fold_stripes<Fold>(stripes[level]);
    count[level] = 0;
    push(push, level + 1, total);
    while (top < kLevels - 1 && count[top + 1] != 0) ++top;
  }
  return fold_stripes<Fold>(stripes[top]);
}

// A contiguous row of any length.
template <class Fold, class C, class E>
STRETTO_INLINE C whole_row(const E* x, std::int64_t n, C mean) {
  return n <= kSumSegment ? segment<Fold>(x, n, mean) : long_row<Fold>(x, n, mean);
}

}  // namespace stretto::STRETTO_ISA
