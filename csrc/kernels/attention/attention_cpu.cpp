// Softmax of masked scores for one instruction set: lanes are keys; of the sum they are its stripes.
#include "kernels/attention/attention.h"
#include "kernels/stripes.h"
#include "simd/simd.h"

#include "kernels/transcendental.h"

namespace stretto::STRETTO_ISA {
namespace {

// Calls body(first, lanes) for vectors of keys.
template <int lanes, class Body>
STRETTO_INLINE void by_vectors(std::int64_t n, Body body) {
  std::int64_t j = 0;
  for (; j + lanes <= n; j += lanes) body(j, lanes);
  if (j < n) body(j, int(n - j));
}

template <class T>
void run(const AttentionArgs& args) {
  using V = Vec<T>;
  const V scale = V::broadcast(T(args.scale));
  for (std::int64_t i = 0; i < args.rows; ++i) {
    T* z = static_cast<T*>(args.scores) + i * args.keys;
    const T* mask = args.mask ? static_cast<const T*>(args.mask) + i * args.keys : nullptr;
    const std::int64_t seen = args.first_query + i + 1;  // keys before it, if causal
    const std::int64_t shown = args.causal && seen < args.keys ? seen : args.keys;
    const V least = V::broadcast(T(-__builtin_inf()));
    V best = least;
    by_vectors<V::lanes>(shown, [&](std::int64_t j, int n) __attribute__((always_inline)) {
      V x = V::load(z + j, n) * scale;
      if (mask) x = x + V::load(mask + j, n);
      x.store(z + j, n);
      if (n < V::lanes) {
        T lane[V::lanes];
        least.store(lane);
        x.store(lane, n);
        x = V::load(lane);
      }
      best = select(V::either(less(best, x), is_nan(x)), x, best);
    });
    for (std::int64_t j = shown; j < args.keys; ++j) z[j] = T(-__builtin_inf());
    T lane[V::lanes], m = T(-__builtin_inf());
    best.store(lane);
    for (int l = 0; l < V::lanes; ++l)
      if (lane[l] > m || lane[l] != lane[l]) m = lane[l];
    const V largest = V::broadcast(m);
    by_vectors<V::lanes>(args.keys, [&](std::int64_t j, int n) __attribute__((always_inline)) {
      exp(V::load(z + j, n) - largest).store(z + j, n);
    });
    const V sum = V::broadcast(whole_row<SumOf, T>(z, args.keys, T(0)));
    by_vectors<V::lanes>(args.keys, [&](std::int64_t j, int n) __attribute__((always_inline)) {
      (V::load(z + j, n) / sum).store(z + j, n);
    });
  }
}

}  // namespace

void attention(const AttentionArgs& args) {
  if (args.dtype == DType::f32)
    run<float>(args);
  else
    run<double>(args);
}

}  // namespace stretto::STRETTO_ISA
