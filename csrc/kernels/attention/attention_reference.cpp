// Softmax of masked scores as plain loops: oracle of every other variant, and last row of the table.
#include <limits>
#include <vector>

#include "kernels/attention/attention.h"
#include "kernels/load.h"
#include "kernels/sum_reference.h"
#include "simd/scalar.h"

#include "kernels/transcendental.h"

namespace stretto {
namespace {

template <class T>
void run(const AttentionArgs& args) {
  using C = Compute<T>;
  constexpr C infinity = std::numeric_limits<C>::infinity();
  const C scale = widen(narrow<T>(C(args.scale)));
  for (std::int64_t i = 0; i < args.rows; ++i) {
    T* z = static_cast<T*>(args.scores) + i * args.keys;
    const T* mask = args.mask ? static_cast<const T*>(args.mask) + i * args.keys : nullptr;
    C m = -infinity;
    for (std::int64_t j = 0; j < args.keys; ++j) {
      z[j] = narrow<T>(widen(z[j]) * scale);
      if (mask) z[j] = narrow<T>(widen(z[j]) + widen(mask[j]));
      if (args.causal && j > args.first_query + i % args.stacked) z[j] = narrow<T>(-infinity);
      const C x = widen(z[j]);
      if (x > m || x != x) m = x;
    }
    std::vector<C> e;
    for (std::int64_t j = 0; j < args.keys; ++j) e.push_back(exp(Scalar<C>{widen(z[j]) - m}).v);
    const C sum = sum_reference<C>(args.keys, [&](std::int64_t j) { return e[std::size_t(j)]; });
    for (std::int64_t j = 0; j < args.keys; ++j) z[j] = narrow<T>(e[std::size_t(j)] / sum);
  }
}

}  // namespace

void attention_reference(const AttentionArgs& args) {
  switch (args.dtype) {
    case DType::f16:
      return run<float16>(args);
    case DType::bf16:
      return run<bfloat16>(args);
    case DType::f32:
      return run<float>(args);
    default:
      return run<double>(args);
  }
}

}  // namespace stretto
