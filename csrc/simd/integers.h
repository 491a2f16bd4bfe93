// Vec<int32_t> and Vec<int64_t>, for sums of products that wrap: load, store, broadcast, zero, +, fma.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <class T, class Unsigned>
struct Whole {
  using scalar = T;
  typedef Unsigned reg __attribute__((vector_size(sizeof(Vec<float>))));
  typedef Unsigned unaligned __attribute__((vector_size(sizeof(Vec<float>)), aligned(sizeof(T)), may_alias));
  static constexpr int lanes = int(sizeof(reg) / sizeof(T));
  reg v;

  STRETTO_INLINE static Vec<T> load(const T* p) { return {{*reinterpret_cast<const unaligned*>(p)}}; }
  STRETTO_INLINE static Vec<T> load(const T* p, int n) {
    reg x = {};
    for (int i = 0; i < n; ++i) x[i] = Unsigned(p[i]);
    return {{x}};
  }
  STRETTO_INLINE static Vec<T> broadcast(T x) { return {{reg{} + Unsigned(x)}}; }
  STRETTO_INLINE static Vec<T> zero() { return {{reg{}}}; }
  STRETTO_INLINE void store(T* p) const { *reinterpret_cast<unaligned*>(p) = v; }
  STRETTO_INLINE void store(T* p, int n) const {
    T lane[lanes];
    store(lane);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
};

template <>
struct Vec<std::int32_t> : Whole<std::int32_t, std::uint32_t> {};
template <>
struct Vec<std::int64_t> : Whole<std::int64_t, std::uint64_t> {};

STRETTO_INLINE Vec<std::int32_t> operator+(Vec<std::int32_t> a, Vec<std::int32_t> b) { return {{a.v + b.v}}; }
STRETTO_INLINE Vec<std::int64_t> operator+(Vec<std::int64_t> a, Vec<std::int64_t> b) { return {{a.v + b.v}}; }
STRETTO_INLINE Vec<std::int32_t> fma(Vec<std::int32_t> a, Vec<std::int32_t> b, Vec<std::int32_t> c) {
  return {{a.v * b.v + c.v}};
}
STRETTO_INLINE Vec<std::int64_t> fma(Vec<std::int64_t> a, Vec<std::int64_t> b, Vec<std::int64_t> c) {
  return {{a.v * b.v + c.v}};
}

}  // namespace stretto::STRETTO_ISA
