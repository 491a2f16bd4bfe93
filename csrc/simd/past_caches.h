// Stores past the caches: the old content of memory is not read first, and nothing else is pushed out. `to`
// is aligned to a vector; other threads see these stores in order only after end_of_stores_past_caches().
#pragma once

#include "simd/abreast.h"

namespace stretto::STRETTO_ISA {

#if defined(__AVX2__)
inline constexpr bool kHasStoresPastCaches = true;
#if defined(__AVX512F__)
STRETTO_INLINE void store_past_caches(Vec<float> v, float* to) { _mm512_stream_ps(to, v.v); }
STRETTO_INLINE void store_past_caches(Vec<double> v, double* to) { _mm512_stream_pd(to, v.v); }
#else
STRETTO_INLINE void store_past_caches(Vec<float> v, float* to) { _mm256_stream_ps(to, v.v); }
STRETTO_INLINE void store_past_caches(Vec<double> v, double* to) { _mm256_stream_pd(to, v.v); }
#endif
STRETTO_INLINE void end_of_stores_past_caches() { _mm_sfence(); }
#else
inline constexpr bool kHasStoresPastCaches = false;
template <class T>
STRETTO_INLINE void store_past_caches(Vec<T> v, T* to) {
  v.store(to);
}
STRETTO_INLINE void end_of_stores_past_caches() {}
#endif

template <class V>
STRETTO_INLINE void store_past_caches(Abreast<V> v, typename V::scalar* to) {
  store_past_caches(v.low, to);
  store_past_caches(v.high, to + V::lanes);
}

}  // namespace stretto::STRETTO_ISA
