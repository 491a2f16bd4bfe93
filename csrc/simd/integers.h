// Vec<int32_t> and Vec<int64_t>, for sums of products that wrap: load, store, broadcast, zero, +, fma.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

// What they and the vectors of simd/groups.h have in common.
template <class Self, class T, class Unsigned>
struct Whole {
  using scalar = T;
  typedef Unsigned reg __attribute__((vector_size(sizeof(Vec<float>))));
  typedef Unsigned unaligned __attribute__((vector_size(sizeof(Vec<float>)), aligned(sizeof(T)), may_alias));
  static constexpr int lanes = int(sizeof(reg) / sizeof(T));
  reg v;

  STRETTO_INLINE static Self load(const T* p) { return {{*reinterpret_cast<const unaligned*>(p)}}; }
  STRETTO_INLINE static Self broadcast(T x) { return {{reg{} + Unsigned(x)}}; }
  STRETTO_INLINE static Self zero() { return {{reg{}}}; }
  STRETTO_INLINE void store(T* p) const { *reinterpret_cast<unaligned*>(p) = v; }
  STRETTO_INLINE static Self load(const T* p, int n) {
#if defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return {{(reg)Vec<float>::load(reinterpret_cast<const float*>(p), n).v}};
#endif
    reg x = {};
    for (int i = 0; i < n; ++i) x[i] = Unsigned(p[i]);
    return {{x}};
  }
  STRETTO_INLINE void store(T* p, int n) const {
#if defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
      return Vec<float>{(decltype(Vec<float>::v))v}.store(reinterpret_cast<float*>(p), n);
#endif
    T lane[lanes];
    store(lane);
    for (int i = 0; i < n; ++i) p[i] = lane[i];
  }
};

template <>
struct Vec<std::int32_t> : Whole<Vec<std::int32_t>, std::int32_t, std::uint32_t> {};
template <>
struct Vec<std::int64_t> : Whole<Vec<std::int64_t>, std::int64_t, std::uint64_t> {};

STRETTO_INLINE Vec<std::int32_t> operator+(Vec<std::int32_t> a, Vec<std::int32_t> b) { return {{a.v + b.v}}; }
STRETTO_INLINE Vec<std::int64_t> operator+(Vec<std::int64_t> a, Vec<std::int64_t> b) { return {{a.v + b.v}}; }
STRETTO_INLINE Vec<std::int32_t> fma(Vec<std::int32_t> a, Vec<std::int32_t> b, Vec<std::int32_t> c) {
  return {{a.v * b.v + c.v}};
}
STRETTO_INLINE Vec<std::int64_t> fma(Vec<std::int64_t> a, Vec<std::int64_t> b, Vec<std::int64_t> c) {
  return {{a.v * b.v + c.v}};
}

}  // namespace stretto::STRETTO_ISA
