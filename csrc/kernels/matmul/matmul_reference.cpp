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

// In C, the computation type.
template <class C, class A, class B>
C dot(const A* a, std::int64_t a_step, const B* b, std::int64_t b_step, std::int64_t k) {
  if constexpr (std::is_same_v<A, bfloat16>) return dot_of_pairs(a, a_step, b, b_step, k);
  C total = C(0);
  for (std::int64_t start = 0; start < k; start += kSegment) {
    C acc = C(0);
    for (std::int64_t p = start; p < std::min<std::int64_t>(k, start + kSegment); ++p) {
      const C x = C(widen(a[p * a_step])), y = C(widen(b[p * b_step]));
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

// Operands of the epilogue are of the type Operand.
template <class A, class B, class Operand, class Out>
void run(const MatmulArgs& args) {
  const int batch_dims = args.out.shape.count - 2;
  const std::int64_t m = args.m(), n = args.n(), k = args.k();
  Dims batch = args.out.shape;
  batch.count = batch_dims;
  for (std::int64_t index = 0; index < batch.product(); ++index) {
    const A* a = args.a.as<A>() + offset_of(index, batch, args.a.strides);
    const B* b = args.b.as<B>() + offset_of(index, batch, args.b.strides);
    Out* out = args.out.as<Out>() + offset_of(index, batch, args.out.strides);
    for (std::int64_t i = 0; i < m; ++i) {
      poll_interrupt();
      for (std::int64_t j = 0; j < n; ++j) {
        const auto z = dot<Compute<Operand>>(a + i * args.a.strides.last(1), args.a.strides.last(0),
                                             b + j * args.b.strides.last(0), args.b.strides.last(1), k);
        out[i * args.out.strides.last(1) + j * args.out.strides.last(0)] = narrow<Out>(
            epilogue_reference<Operand>(args.epilogue, args.out.shape, (index * m + i) * n + j, z));
      }
    }
  }
}

}  // namespace

void matmul_reference(const MatmulArgs& args, int) {
  if (args.out.dtype == DType::i32 && is_narrow_integer(args.a.dtype))
    return visit_narrow(args.a.dtype, args.b.dtype, [&](auto a, auto b) {
      run<typename decltype(a)::type, typename decltype(b)::type, std::int32_t, std::int32_t>(args);
    });
  visit_dtype(args.a.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.out.dtype == args.a.dtype)
      run<T, T, T, T>(args);
    else
      run<T, T, T, Compute<T>>(args);
  });
}

}  // namespace stretto
