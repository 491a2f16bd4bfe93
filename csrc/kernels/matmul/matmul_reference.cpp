// The contract as plain loops: oracle of every other variant, and last row of the table.
#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "kernels/epilogue_reference.h"
#include "kernels/load.h"
#include "kernels/matmul/matmul.h"
#include "kernels/offset.h"
#include "kernels/tile/flush.h"

namespace stretto {
namespace {

// bfloat16: blocks of an even and an odd chain, subnormals zero; only the sum over segments does not flush.
float dot_of_pairs(const bfloat16* a, std::int64_t a_step, const bfloat16* b, std::int64_t b_step,
                   std::int64_t k) {
  float total = 0;
  for (std::int64_t start = 0; start < k; start += kSegment) {
    const std::int64_t end = std::min<std::int64_t>(k, start + kSegment);
    float acc = 0;
    for (std::int64_t block = start; block < end; block += kPairTerms) {
      float chain[2] = {0, 0};
      for (int i = 0; i < kPairTerms; ++i) {
        const std::int64_t p = block + i;
        chain[i % 2] = p < end ? flushed_fma(to_float(a[p * a_step]), to_float(b[p * b_step]), chain[i % 2])
                               : flushed_fma(0, 0, chain[i % 2]);
      }
      acc = flushed_add(acc, flushed_add(chain[0], chain[1]));
    }
    total = start == 0 ? acc : total + acc;
  }
  return total;
}

template <class T>
Compute<T> dot(const T* a, std::int64_t a_step, const T* b, std::int64_t b_step, std::int64_t k) {
  using C = Compute<T>;
  if constexpr (std::is_same_v<T, bfloat16>) return dot_of_pairs(a, a_step, b, b_step, k);
  C total = C(0);
  for (std::int64_t start = 0; start < k; start += kSegment) {
    C acc = C(0);
    for (std::int64_t p = start; p < std::min<std::int64_t>(k, start + kSegment); ++p) {
      const C x = widen(a[p * a_step]), y = widen(b[p * b_step]);
      if constexpr (std::is_floating_point_v<C>) {
        acc = std::fma(x, y, acc);
      } else if constexpr (std::is_same_v<C, bool>) {
        acc = acc || (x && y);
      } else {
        using U = std::make_unsigned_t<C>;  // integers wrap
        acc = C(U(acc) + U(std::uint64_t(U(x)) * std::uint64_t(U(y))));
      }
    }
    total = start == 0 ? acc : C(total + acc);
  }
  return total;
}

template <class T, class Out>
void run(const MatmulArgs& args) {
  const int batch_dims = args.out.shape.count - 2;
  const std::int64_t m = args.m(), n = args.n(), k = args.k();
  Dims batch = args.out.shape;
  batch.count = batch_dims;
  for (std::int64_t index = 0; index < batch.product(); ++index) {
    const T* a = args.a.as<T>() + offset_of(index, batch, args.a.strides);
    const T* b = args.b.as<T>() + offset_of(index, batch, args.b.strides);
    Out* out = args.out.as<Out>() + offset_of(index, batch, args.out.strides);
    for (std::int64_t i = 0; i < m; ++i) {
      poll_interrupt();
      for (std::int64_t j = 0; j < n; ++j) {
        const auto z = dot(a + i * args.a.strides.last(1), args.a.strides.last(0),
                           b + j * args.b.strides.last(0), args.b.strides.last(1), k);
        out[i * args.out.strides.last(1) + j * args.out.strides.last(0)] =
            narrow<Out>(epilogue_reference<T>(args.epilogue, args.out.shape, (index * m + i) * n + j, z));
      }
    }
  }
}

}  // namespace

void matmul_reference(const MatmulArgs& args, int) {
  visit_dtype(args.a.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.out.dtype == args.a.dtype)
      run<T, T>(args);
    else
      run<T, Compute<T>>(args);
  });
}

}  // namespace stretto
