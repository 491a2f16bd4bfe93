// Reductions whose order does not matter: sums and extremes of integers, and argmax of everything.
#pragma once

#include <type_traits>

#include "base/counts.h"
#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/load.h"
#include "kernels/reduce/reduce.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {
namespace {

template <class T>
bool exceeds(T x, T best) {  // strictly, NaN above all
  if constexpr (std::is_floating_point_v<T>) return x > best || (x != x && best == best);
  return x > best;
}

// The block of the first largest is found, then where in it that is: x is read once.
template <class C, class T>
std::int64_t first_largest(const T* x, std::int64_t n) {
  using V = Vec<C>;
  std::int64_t k = 0;
  C best = C(0);
  for (std::int64_t start = 0; start < n; start += kSumSegment) {
    const C largest = segment<Largest, C>(x + start, least(kSumSegment, n - start), C(0));
    if (start > 0 && !exceeds(largest, best)) continue;
    best = largest;
    k = start;
    if (best != best) break;
  }
  const V wanted = V::broadcast(best);
  for (; k + V::lanes <= n; k += V::lanes) {
    const V v = V::load(x + k);
    if (V::bitmask(best == best ? equal(v, wanted) : is_nan(v)) != 0) break;
  }
  for (;; ++k) {
    const C value = widen(x[k]);
    if (value == best || (value != value && best != best)) return k;
  }
}

template <class T>
void one_output(const ReduceArgs& args, const Walk& reduced, std::int64_t terms, const T* x, void* out) {
  using C = Compute<T>;
  if (args.reduction == Reduction::argmax) {
    if constexpr (std::is_floating_point_v<C>) {
      if (reduced.contiguous()) {
        *static_cast<std::int64_t*>(out) = first_largest<C>(x, terms);
        return;
      }
    }
    std::int64_t where = 0;
    C best = widen(*x);
    reduced.rows(0, terms,
                 [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count) {
                   for (std::int64_t i = 0; i < count; ++i) {
                     const C value = widen(x[offset + i * stride]);
                     if (!exceeds(value, best)) continue;
                     best = value;
                     where = done + i;
                   }
                 });
    *static_cast<std::int64_t*>(out) = where;
  } else if constexpr (std::is_integral_v<T>) {
    std::uint64_t sum = 0;
    T best = terms ? *x : T(0);
    const bool largest = args.reduction == Reduction::max;
    reduced.rows(0, terms, [&](std::int64_t offset, std::int64_t stride, std::int64_t, std::int64_t count) {
      const T* p = x + offset;
      if (args.reduction == Reduction::sum) {
        for (std::int64_t i = 0; i < count; ++i) sum += std::uint64_t(p[i * stride]);  // sign-extended; wraps
      } else if (largest) {
        for (std::int64_t i = 0; i < count; ++i) best = p[i * stride] > best ? p[i * stride] : best;
      } else {
        for (std::int64_t i = 0; i < count; ++i) best = p[i * stride] < best ? p[i * stride] : best;
      }
    });
    if (args.reduction == Reduction::sum)
      *static_cast<std::uint64_t*>(out) = sum;
    else
      *static_cast<T*>(out) = best;
  }
}

}  // namespace

STRETTO_INLINE void reduce_any(const ReduceArgs& args, int threads) {
  Dims kept = args.x.shape, reduced, kept_strides = args.x.strides, reduced_strides;
  for (int d = args.kept; d < args.x.shape.count; ++d) {
    reduced.push(args.x.shape[d]);
    reduced_strides.push(args.x.strides[d]);
  }
  kept.count = kept_strides.count = args.kept;
  const std::int64_t terms = reduced.product(), outputs = kept.product();
  const Walk kept_walk(kept, kept_strides), reduced_walk(reduced, reduced_strides);
  const Walk out_walk(args.out.shape, args.out.strides);
  const std::int64_t useful = outputs * terms / (32 << 10) + 1;
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const int bytes = itemsize(args.out.dtype);
    parallel_for(outputs, (64 << 10) / (terms + 1) + 1, useful < threads ? int(useful) : threads,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t i = begin; i < end; ++i) {
                     const std::int64_t from = kept_walk.offset(i), to = out_walk.offset(i);
                     one_output<T>(args, reduced_walk, terms, args.x.as<T>() + from,
                                   args.out.as<unsigned char>() + to * bytes);
                   }
                 });
  });
}

}  // namespace stretto::STRETTO_ISA
