// The loops that are timed, for one instruction set.
#include <cstdint>

#include "simd/past_caches.h"

namespace stretto::STRETTO_ISA {
namespace {

// Enough to hide the latency of two units, and no more than the registers hold.
constexpr int kChains = sizeof(Vec<float>) == 32 ? 12 : 24;

// The factors come from memory and every sum reaches it, so that nothing is folded away.
template <class T>
double chains(const T* factors, T* sums, std::int64_t rounds) {
  using V = Vec<T>;
  const V a = V::broadcast(factors[0]), b = V::broadcast(factors[1]);
  V sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = V::broadcast(factors[i]);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (auto& s : sum) s = fma(s, a, b);
  }
  for (int i = 0; i < kChains; ++i) sum[i].store(sums + V::lanes * i);
  return 2.0 * V::lanes * kChains * double(rounds);
}

using V = Vec<float>;
constexpr int kBlock = 8 * V::lanes;

template <bool past_caches>
STRETTO_INLINE void put(V v, float* to) {
  if constexpr (past_caches)
    store_past_caches(v, to);
  else
    v.store(to);
}

template <bool past_caches>
void fill(float* data, std::int64_t count) {
  const V value = V::broadcast(data[0]);
  for (std::int64_t i = 0; i < count; i += kBlock) {
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) put<past_caches>(value, data + i + v * V::lanes);
  }
}

template <bool past_caches>
void copy(const float* from, float* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kBlock) {
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) put<past_caches>(V::load(from + i + v * V::lanes), to + i + v * V::lanes);
  }
}

}  // namespace

double fma_chains(const float* factors, float* sums, std::int64_t rounds) {
  return chains(factors, sums, rounds);
}
double fma_chains(const double* factors, double* sums, std::int64_t rounds) {
  return chains(factors, sums, rounds);
}

void read_stream(const float* data, std::int64_t count, float* sums) {
  V sum[8];
  for (V& s : sum) s = V::zero();
  for (std::int64_t i = 0; i < count; i += kBlock) {
#pragma GCC unroll 8
    for (int v = 0; v < 8; ++v) sum[v] = sum[v] + V::load(data + i + v * V::lanes);
  }
  for (int v = 0; v < 8; ++v) sum[v].store(sums + v * V::lanes);
}

void write_stream(float* data, std::int64_t count, bool past_caches) {
  past_caches ? fill<true>(data, count) : fill<false>(data, count);
}

void copy_stream(const float* from, float* to, std::int64_t count, bool past_caches) {
  past_caches ? copy<true>(from, to, count) : copy<false>(from, to, count);
}

}  // namespace stretto::STRETTO_ISA
