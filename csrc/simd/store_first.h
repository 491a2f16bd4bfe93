// A store of the first lanes of a vector, their number known when it is compiled.
#pragma once

#include "simd/simd.h"

namespace stretto::STRETTO_ISA {

template <int n, class V>
STRETTO_INLINE void store_first(V x, typename V::scalar* p) {
  x.store(p, n);
}
// n lanes or fewer than all of them: the same n most of the time.
template <class V>
STRETTO_INLINE void store_first(V x, typename V::scalar* p, int n) {
  x.store(p, n);
}

// Masked stores of AVX2 take Zen 3 a dozen cycles: pieces are stored instead.
#if defined(__AVX2__) && !defined(__AVX512F__)
template <int n>
STRETTO_INLINE void store_first(Vec<float> x, float* p) {
  __m128 left = _mm256_castps256_ps128(x.v);
  if constexpr (n >= 4) {
    _mm_storeu_ps(p, left);
    left = _mm256_extractf128_ps(x.v, 1);
  }
  if constexpr (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p + (n & 4)), left);
    left = _mm_movehl_ps(left, left);
  }
  if constexpr (n & 1) _mm_store_ss(p + (n & 6), left);
}
STRETTO_INLINE void store_first(Vec<float> x, float* p, int n) {
  if (n == 8) return x.store(p);
  __m128 left = _mm256_castps256_ps128(x.v);
  if (n & 4) {
    _mm_storeu_ps(p, left);
    left = _mm256_extractf128_ps(x.v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(p), left);
    left = _mm_movehl_ps(left, left);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, left);
}
template <int n>
STRETTO_INLINE void store_first(Vec<double> x, double* p) {
  __m128d left = _mm256_castpd256_pd128(x.v);
  if constexpr (n >= 2) {
    _mm_storeu_pd(p, left);
    left = _mm256_extractf128_pd(x.v, 1);
  }
  if constexpr (n & 1) _mm_store_sd(p + (n & 2), left);
}
#endif

}  // namespace stretto::STRETTO_ISA
