// Two vectors as one, with the interface of simd.h; of Abreast vectors, four. A step is taken for all of them
// before the next one, so that as many chains are under way: one after the other they fill the scheduler long
// before they hide a latency. (Members, no array: compilers keep these in registers.)
#pragma once

#include <type_traits>

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <class V>
struct Abreast {
  using scalar = typename V::scalar;
  static constexpr int lanes = 2 * V::lanes;
  V low, high;

  STRETTO_INLINE static Abreast broadcast(scalar x) { return {V::broadcast(x), V::broadcast(x)}; }
  STRETTO_INLINE static Abreast zero() { return {V::zero(), V::zero()}; }
  STRETTO_INLINE static Abreast load(const scalar* p) { return {V::load(p), V::load(p + V::lanes)}; }
  STRETTO_INLINE void store(scalar* p) const {
    low.store(p);
    high.store(p + V::lanes);
  }
  template <class Mask>
  STRETTO_INLINE static Mask either(Mask a, Mask b) {
    return {V::either(a.low, b.low), V::either(a.high, b.high)};
  }
  template <class Mask>
  STRETTO_INLINE static Mask both(Mask a, Mask b) {
    return {V::both(a.low, b.low), V::both(a.high, b.high)};
  }
};

template <class V, int n>
struct SeveralOf {
  using type = Abreast<typename SeveralOf<V, n / 2>::type>;
};
template <class V>
struct SeveralOf<V, 1> {
  using type = V;
};
template <class V, int n>  // a power of two
using Several = typename SeveralOf<V, n>::type;

// W of the vectors f(0), f(1), ...
template <class W, class V, class F>
STRETTO_INLINE W made_of(F&& f, int first = 0) {
  if constexpr (std::is_same_v<W, V>) {
    return f(first);
  } else {
    using Half = decltype(W::low);
    return {made_of<Half, V>(f, first), made_of<Half, V>(f, first + Half::lanes / V::lanes)};
  }
}
// W of f(w's vector, its number).
template <class V, class W, class F>
STRETTO_INLINE W mapped(W w, F&& f, int first = 0) {
  if constexpr (std::is_same_v<W, V>) {
    return f(w, first);
  } else {
    return {mapped<V>(w.low, f, first), mapped<V>(w.high, f, first + decltype(W::low)::lanes / V::lanes)};
  }
}

// What comparing two V gives, twice.
template <class V>
struct MasksAbreast {
  decltype(is_nan(V())) low, high;
};

#define STRETTO_BINARY(function)                                   \
  template <class V>                                               \
  STRETTO_INLINE Abreast<V> function(Abreast<V> a, Abreast<V> b) { \
    return {function(a.low, b.low), function(a.high, b.high)};     \
  }
STRETTO_BINARY(operator+)
STRETTO_BINARY(operator-)
STRETTO_BINARY(operator*)
STRETTO_BINARY(operator/)
STRETTO_BINARY(operator&)
STRETTO_BINARY(operator|)
STRETTO_BINARY(operator^)
STRETTO_BINARY(max)
STRETTO_BINARY(min)
#undef STRETTO_BINARY
#define STRETTO_COMPARISON(function)                                    \
  template <class V>                                                    \
  STRETTO_INLINE MasksAbreast<V> function(Abreast<V> a, Abreast<V> b) { \
    return {function(a.low, b.low), function(a.high, b.high)};          \
  }
STRETTO_COMPARISON(less)
STRETTO_COMPARISON(less_equal)
STRETTO_COMPARISON(equal)
#undef STRETTO_COMPARISON

template <class V>
STRETTO_INLINE Abreast<V> fma(Abreast<V> a, Abreast<V> b, Abreast<V> c) {
  return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)};
}
template <class V>
STRETTO_INLINE Abreast<V> sqrt(Abreast<V> a) {
  return {sqrt(a.low), sqrt(a.high)};
}
template <class V>
STRETTO_INLINE MasksAbreast<V> is_nan(Abreast<V> a) {
  return {is_nan(a.low), is_nan(a.high)};
}
template <class V>
STRETTO_INLINE Abreast<V> select(MasksAbreast<V> m, Abreast<V> a, Abreast<V> b) {
  return {select(m.low, a.low, b.low), select(m.high, a.high, b.high)};
}
template <int n, class V>
STRETTO_INLINE Abreast<V> shift_left(Abreast<V> a) {
  return {shift_left<n>(a.low), shift_left<n>(a.high)};
}
template <int n, class V>
STRETTO_INLINE Abreast<V> shift_right(Abreast<V> a) {
  return {shift_right<n>(a.low), shift_right<n>(a.high)};
}
template <class V>
STRETTO_INLINE auto bits(Abreast<V> a) {
  return Abreast<decltype(bits(a.low))>{bits(a.low), bits(a.high)};
}
template <class V>
STRETTO_INLINE auto from_bits(Abreast<V> a) {
  return Abreast<decltype(from_bits(a.low))>{from_bits(a.low), from_bits(a.high)};
}

}  // namespace stretto::STRETTO_ISA
