// Softmax of masked scores for one instruction set: lanes are keys; of the sum they are its stripes.
#include "kernels/attention/attention.h"
#include "kernels/softmax_rows.h"

namespace stretto::STRETTO_ISA {
namespace {

template <class T>
void run(const AttentionArgs& args) {
  using V = Vec<T>;
  const V scale = V::broadcast(T(args.scale));
  T* const scores = static_cast<T*>(args.scores);
  for (std::int64_t i = 0; i < args.rows; ++i) {
    T* z = scores + i * args.keys;
    const T* mask = args.mask ? static_cast<const T*>(args.mask) + i * args.keys : nullptr;
    const std::int64_t seen = args.first_query + i + 1;  // keys before it, if causal
    const std::int64_t shown = args.causal && seen < args.keys ? seen : args.keys;
    for (std::int64_t j = 0; j < shown; j += V::lanes) {
      const int n = shown - j < V::lanes ? int(shown - j) : V::lanes;
      V x = V::load(z + j, n) * scale;
      if (mask) x = x + V::load(mask + j, n);
      x.store(z + j, n);
    }
    for (std::int64_t j = shown; j < args.keys; ++j) z[j] = T(-__builtin_inf());
  }
  for (std::int64_t i = 0; i < args.rows; i += V::lanes) {
    T* z = scores + i * args.keys;
    const std::int64_t rows = args.rows - i < V::lanes ? args.rows - i : V::lanes;
    softmax_rows(z, args.keys, z, args.keys, int(rows), args.keys, false);
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
