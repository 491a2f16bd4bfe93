// A vector of one lane, in plain C++: with it the reference kernels run the same templates as the fast ones.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "base/dtype.h"

namespace stretto {

template <class T>
struct Scalar {
  using scalar = T;
  using mask = bool;
  static constexpr int lanes = 1;
  T v;

  STRETTO_INLINE static bool either(bool a, bool b) { return a || b; }
  STRETTO_INLINE static bool both(bool a, bool b) { return a && b; }
  STRETTO_INLINE static bool none() { return false; }
  STRETTO_INLINE static unsigned bitmask(bool m) { return m; }
  STRETTO_INLINE static Scalar load(const T* p) { return {*p}; }
  STRETTO_INLINE static Scalar load(const T* p, int n) { return {n > 0 ? *p : T(0)}; }
  STRETTO_INLINE static Scalar broadcast(T x) { return {x}; }
  STRETTO_INLINE static Scalar zero() { return {T(0)}; }
  STRETTO_INLINE void store(T* p) const { *p = v; }
  STRETTO_INLINE void store(T* p, int n) const {
    if (n > 0) *p = v;
  }
};

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T>
STRETTO_INLINE Scalar<T> operator+(Scalar<T> a, Scalar<T> b) {
  return {a.v + b.v};
}
template <class T>
STRETTO_INLINE Scalar<T> operator-(Scalar<T> a, Scalar<T> b) {
  return {a.v - b.v};
}
template <class T>
STRETTO_INLINE Scalar<T> operator*(Scalar<T> a, Scalar<T> b) {
  return {a.v * b.v};
}
template <class T>
STRETTO_INLINE Scalar<T> operator/(Scalar<T> a, Scalar<T> b) {
  return {a.v / b.v};
}
template <class T>
STRETTO_INLINE Scalar<T> operator&(Scalar<T> a, Scalar<T> b) {
  return {a.v & b.v};
}
template <class T>
STRETTO_INLINE Scalar<T> operator|(Scalar<T> a, Scalar<T> b) {
  return {a.v | b.v};
}
template <class T>
STRETTO_INLINE Scalar<T> operator^(Scalar<T> a, Scalar<T> b) {
  return {a.v ^ b.v};
}
template <int n, class T>
STRETTO_INLINE Scalar<T> shift_left(Scalar<T> a) {
  return {a.v << n};
}
template <int n, class T>
STRETTO_INLINE Scalar<T> shift_right(Scalar<T> a) {
  return {a.v >> n};
}
template <class T>
STRETTO_INLINE Scalar<T> fma(Scalar<T> a, Scalar<T> b, Scalar<T> c) {
  return {std::fma(a.v, b.v, c.v)};
}
template <class T>
STRETTO_INLINE Scalar<T> sqrt(Scalar<T> a) {
  return {std::sqrt(a.v)};
}
template <class T>
STRETTO_INLINE Scalar<T> max(Scalar<T> a, Scalar<T> b) {
  return a.v > b.v ? a : b;
}
template <class T>
STRETTO_INLINE Scalar<T> min(Scalar<T> a, Scalar<T> b) {
  return a.v < b.v ? a : b;
}
template <class T>
STRETTO_INLINE Scalar<T> round_nearest(Scalar<T> a) {
  return {std::nearbyint(a.v)};
}
template <class T>
STRETTO_INLINE bool less(Scalar<T> a, Scalar<T> b) {
  return a.v < b.v;
}
template <class T>
STRETTO_INLINE bool less_equal(Scalar<T> a, Scalar<T> b) {
  return a.v <= b.v;
}
template <class T>
STRETTO_INLINE bool equal(Scalar<T> a, Scalar<T> b) {
  return a.v == b.v;
}
template <class T>
STRETTO_INLINE bool is_nan(Scalar<T> a) {
  return a.v != a.v;
}
template <class T>
STRETTO_INLINE Scalar<T> select(bool m, Scalar<T> a, Scalar<T> b) {
  return m ? a : b;
}
template <class T>
STRETTO_INLINE Scalar<BitsOf<T>> bits(Scalar<T> a) {
  Scalar<BitsOf<T>> result;
  std::memcpy(&result, &a, sizeof a);
  return result;
}
STRETTO_INLINE Scalar<float> from_bits(Scalar<std::uint32_t> a) {
  Scalar<float> result;
  std::memcpy(&result, &a, sizeof a);
  return result;
}
STRETTO_INLINE Scalar<double> from_bits(Scalar<std::uint64_t> a) {
  Scalar<double> result;
  std::memcpy(&result, &a, sizeof a);
  return result;
}
// The halves of one lane are that lane.
STRETTO_INLINE Scalar<double> lower(Scalar<float> a) { return {double(a.v)}; }
STRETTO_INLINE Scalar<double> upper(Scalar<float> a) { return {double(a.v)}; }
STRETTO_INLINE Scalar<float> joined(Scalar<double> low, Scalar<double>) { return {float(low.v)}; }

}  // namespace stretto
