// The contract's sum (16 stripes, segments of 4096, a fixed tree) and its kin, for one instruction set.
#pragma once

#include "simd/scalar.h"
#include "simd/simd.h"

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

// Most of a row for a fold of any order, in chains enough to hide a step's latency; NaN is looked for aside.
template <class Fold, class E, class V>
STRETTO_INLINE std::int64_t several_chains(const E* x, std::int64_t n, V* acc) {
  constexpr int chains = 8;
  V best[chains];
  for (V& b : best) b = Fold::template start<V>();
  auto any_nan = V::none();
  std::int64_t k = 0;
  for (; k + chains * V::lanes <= n; k += chains * V::lanes)
    for (int c = 0; c < chains; ++c) {
      const V v = V::load(x + k + c * V::lanes);
      best[c] = Fold::step_but_nan(best[c], v);
      any_nan = V::either(any_nan, is_nan(v));
    }
  for (const V b : best) acc[0] = Fold::step(acc[0], b, b);
  acc[0] = select(any_nan, V::broadcast(__builtin_nanf("")), acc[0]);
  return k;
}

// One segment of n <= 4096 contiguous elements; E may be a 16-bit float, C is the computation type.
template <class Fold, class C, class E>
STRETTO_INLINE C segment(const E* x, std::int64_t n, C mean) {
  using V = Vec<C>;
  using S = Scalar<C>;
  constexpr int parts = kStripes / V::lanes;
  alignas(64) C s[kStripes];
  const V m = V::broadcast(mean);
  V acc[parts];
  for (int p = 0; p < parts; ++p) acc[p] = Fold::template start<V>();
  std::int64_t k = 0;
  if constexpr (Fold::kAnyOrder) k = several_chains<Fold>(x, n, acc);
  for (; k + kStripes <= n; k += kStripes)
    for (int p = 0; p < parts; ++p) acc[p] = Fold::step(acc[p], V::load(x + k + p * V::lanes), m);
  for (int p = 0; p < parts; ++p) acc[p].store(s + p * V::lanes);
  if (k < n) {
    alignas(64) C rest[kStripes] = {};
    const int left = int(n - k);
    for (int p = 0; p < parts && p * V::lanes < left; ++p) {
      const int count = left - p * V::lanes < V::lanes ? left - p * V::lanes : V::lanes;
      V::load(x + k + p * V::lanes, count).store(rest + p * V::lanes);
    }
    for (int j = 0; j < left; ++j) s[j] = Fold::step(S{s[j]}, S{rest[j]}, S{mean}).v;
  }
  return fold_stripes<Fold>(s, n);
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
