// A vector of one lane, in plain C++: with it the reference kernels run the same templates as the fast ones.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/dtype.h"

namespace stretto {

template <class T>
struct Scalar {
  using scalar = T;
  using mask = bool;
  static constexpr int lanes = 1;
  T v;

  static Scalar load(const T* p) { return {*p}; }
  static Scalar load(const T* p, int n) { return {n > 0 ? *p : T(0)}; }
  static Scalar broadcast(T x) { return {x}; }
  static Scalar zero() { return {T(0)}; }
  void store(T* p) const { *p = v; }
  void store(T* p, int n) const {
    if (n > 0) *p = v;
  }
};
template <class T>
Scalar<T> operator+(Scalar<T> a, Scalar<T> b) {
  return {a.v + b.v};
}
template <class T>
Scalar<T> operator-(Scalar<T> a, Scalar<T> b) {
  return {a.v - b.v};
}
template <class T>
Scalar<T> operator*(Scalar<T> a, Scalar<T> b) {
  return {a.v * b.v};
}
template <class T>
Scalar<T> operator/(Scalar<T> a, Scalar<T> b) {
  return {a.v / b.v};
}
template <class T>
Scalar<T> fma(Scalar<T> a, Scalar<T> b, Scalar<T> c) {
  return {std::fma(a.v, b.v, c.v)};
}
template <class T>
Scalar<T> sqrt(Scalar<T> a) {
  return {std::sqrt(a.v)};
}
template <class T>
bool less(Scalar<T> a, Scalar<T> b) {
  return a.v < b.v;
}
template <class T>
Scalar<T> select(bool m, Scalar<T> a, Scalar<T> b) {
  return m ? a : b;
}

}  // namespace stretto
