// Between arrays of any element type and vectors of a computation type. Widening is exact; narrowing rounds
// floats to nearest even and wraps integers.
#pragma once

#include "base/dtype.h"
#include "simd/integers.h"
#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <class A, class B>
inline constexpr bool is_same = false;
template <class A>
inline constexpr bool is_same<A, A> = true;

// One element.
template <class T, class From>
STRETTO_INLINE T widen_to(From x) {
  if constexpr (is_same<From, float16> || is_same<From, bfloat16>)
    return to_float(x);
  else
    return T(x);
}

// The first n lanes, the rest 0.
template <class T, class From>
STRETTO_INLINE Vec<T> load_as(const From* p, int n) {
  constexpr int lanes = Vec<T>::lanes;
  if constexpr (is_same<T, From> || is_same<From, float16> || is_same<From, bfloat16>) {
    return n == lanes ? Vec<T>::load(p) : Vec<T>::load(p, n);
  } else {
    T lane[lanes];
    if (n == lanes) {
      for (int i = 0; i < lanes; ++i) lane[i] = T(p[i]);
    } else {
      for (int i = 0; i < lanes; ++i) lane[i] = i < n ? T(p[i]) : T(0);
    }
    return Vec<T>::load(lane);
  }
}

// The first n lanes.
template <class T, class To>
STRETTO_INLINE void store_as(Vec<T> x, To* p, int n) {
  constexpr int lanes = Vec<T>::lanes;
  if constexpr (is_same<T, To> || is_same<To, float16> || is_same<To, bfloat16>) {
    if (n == lanes)
      x.store(p);
    else
      x.store(p, n);
  } else {
    T lane[lanes];
    x.store(lane);
    for (int i = 0; i < n; ++i) p[i] = To(lane[i]);
  }
}

// Strided in memory: step 0 repeats one element.
template <class T, class From>
STRETTO_INLINE Vec<T> load_as(const From* p, std::int64_t step, int n) {
  if (step == 1) return load_as<T, From>(p, n);
  alignas(64) From lane[Vec<T>::lanes] = {};
  for (int i = 0; i < n; ++i) lane[i] = p[i * step];
  return load_as<T, From>(lane, Vec<T>::lanes);
}

template <class T, class To>
STRETTO_INLINE void store_as(Vec<T> x, To* p, std::int64_t step, int n) {
  if (step == 1 || n == 1) return store_as<T, To>(x, p, n);
  alignas(64) To lane[Vec<T>::lanes];
  store_as<T, To>(x, lane, Vec<T>::lanes);
  for (int i = 0; i < n; ++i) p[i * step] = lane[i];
}

}  // namespace stretto::STRETTO_ISA
