// What one core reaches: fused multiply-adds a second by instruction set, and bytes a second through memory.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "base/machine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace stretto::bench {

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Best time of `body` over about a tenth of a second.
template <class F>
double best_seconds(F&& body) {
  double best = 1e9;
  for (const double end = seconds_now() + 0.1; seconds_now() < end;) {
    const double start = seconds_now();
    body();
    best = std::min(best, seconds_now() - start);
  }
  return best;
}

inline constexpr int kRounds = 100000;

// Independent chains, enough to hide the latency of two units. The factors come from memory and every sum
// reaches it, so that nothing is folded away.
#define STRETTO_PEAK(name, target, vector, chains, broadcast, fma, store) \
  target inline void name(const float* factors, float* sums) {            \
    const vector a = broadcast(factors[0]), b = broadcast(factors[1]);    \
    vector sum[chains];                                                   \
    for (int i = 0; i < chains; ++i) sum[i] = broadcast(factors[i]);      \
    for (int round = 0; round < kRounds; ++round)                         \
      _Pragma("GCC unroll 24") for (auto& s : sum) s = fma(s, a, b);      \
    for (int i = 0; i < chains; ++i) store(sums + 16 * i, sum[i]);        \
  }

#if defined(__x86_64__)
STRETTO_PEAK(fma_avx2, __attribute__((target("avx2,fma"))), __m256, 12, _mm256_set1_ps, _mm256_fmadd_ps,
             _mm256_storeu_ps)
STRETTO_PEAK(fma_avx512, __attribute__((target("avx512f"))), __m512, 24, _mm512_set1_ps, _mm512_fmadd_ps,
             _mm512_storeu_ps)
#elif defined(__aarch64__)
inline float32x4_t fma_lanes(float32x4_t s, float32x4_t a, float32x4_t b) { return vfmaq_f32(b, s, a); }
STRETTO_PEAK(fma_neon, , float32x4_t, 24, vdupq_n_f32, fma_lanes, vst1q_f32)
#endif
#undef STRETTO_PEAK

// GFLOP/s of float32 fused multiply-adds for each instruction set of this machine.
inline std::map<Arch, double> fma_peaks() {
  std::map<Arch, double> peaks;
  float factors[24], sums[24 * 16];
  for (int i = 0; i < 24; ++i) factors[i] = 1.0f / float(2 + i);  // the sums converge
  const auto measure = [&](Arch arch, double flops_a_round, void (*loop)(const float*, float*)) {
    if (this_machine().has(arch))
      peaks[arch] = flops_a_round * kRounds / best_seconds([&] { loop(factors, sums); }) * 1e-9;
  };
#if defined(__x86_64__)
  measure(Arch::avx2, 2.0 * 8 * 12, fma_avx2);
  measure(Arch::avx512, 2.0 * 16 * 24, fma_avx512);
#elif defined(__aarch64__)
  measure(Arch::neon, 2.0 * 4 * 24, fma_neon);
#endif
  return peaks;
}

// GB/s of reading and writing back more than the caches hold.
inline double stream_rate() {
  std::vector<float> data(std::size_t(64) << 20, 1.0f);
  const double seconds = best_seconds([&] {
    for (float& value : data) value *= 0.999f;
  });
  return 2.0 * double(data.size() * sizeof(float)) / seconds * 1e-9;
}

}  // namespace stretto::bench
