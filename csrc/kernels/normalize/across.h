// Normalisation where neighbours in memory belong to different sums: lanes are rows of softmax, or channels
// of a group norm.
#pragma once

#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/normalize/normalize.h"
#include "kernels/stripe_rows.h"
#include "kernels/transcendental.h"

namespace stretto::STRETTO_ISA {
namespace {

// `width` rows of softmax side by side. Of 16-bit floats exp is computed twice rather than kept.
template <class E, class C>
void softmax_tile(const E* x, const Walk& x_terms, E* y, const Walk& y_terms, std::int64_t n,
                  std::int64_t width, bool is_log, StripeRows<C>& sums) {
  using V = Vec<C>;
  constexpr bool keeps = std::is_same_v<E, C>;
  constexpr int lanes = StripeRows<C>::lanes;
  alignas(64) C m[lanes], row[lanes], sum[lanes];
  for (C& value : m) value = -__builtin_inff();
  for (std::int64_t k = 0; k < n; ++k) {
    const E* p = x + x_terms.offset(k);
    by_vectors<V>(width, [&](std::int64_t w, int count) __attribute__((always_inline)) {
      Largest::step(V::load(m + w), V::load(p + w, count), V::zero()).store(m + w);
    });
  }
  for (C& value : m) value = value + C(0);
  sums.start(width, n);
  for (std::int64_t k = 0; k < n; ++k) {
    const E* p = x + x_terms.offset(k);
    E* q = y + y_terms.offset(k);
    by_vectors<V>(width, [&](std::int64_t w, int count) __attribute__((always_inline)) {
      const V e = exp(V::load(p + w, count) - V::load(m + w));
      e.store(row + w);
      if (keeps && !is_log) e.store(q + w, count);
    });
    sums.template add<1>(row, 1);
  }
  const C* total = sums.total();
  by_vectors<V>(width, [&](std::int64_t w, int count) __attribute__((always_inline)) {
    const V s = V::load(total + w, count);
    (is_log ? log(s) : s).store(sum + w);
  });
  for (std::int64_t k = 0; k < n; ++k) {
    const E* p = x + x_terms.offset(k);
    E* q = y + y_terms.offset(k);
    by_vectors<V>(width, [&](std::int64_t w, int count) __attribute__((always_inline)) {
      const V s = V::load(sum + w);
      V z;
      if (is_log)
        z = (V::load(p + w, count) - V::load(m + w)) - s;
      else if constexpr (keeps)
        z = V::load(q + w, count) / s;
      else
        z = exp(V::load(p + w, count) - V::load(m + w)) / s;
      z.store(q + w, count);
    });
  }
}

// Rows that lie side by side in x and out; 0 if they do not, or are too few to be lanes.
STRETTO_INLINE std::int64_t adjacent_rows(const Walk& x, const Walk& out) {
  if (x.count == 0 || out.count == 0 || x.stride[x.count - 1] != 1 || out.stride[out.count - 1] != 1)
    return 0;
  const std::int64_t a = x.size[x.count - 1], b = out.size[out.count - 1];
  const std::int64_t inner = a < b ? a : b;
  return inner >= 4 ? inner : 0;
}

template <class E>
void softmax_across(const NormalizeArgs& args, const Walk& x_rows, const Walk& out_rows, const Walk& x_terms,
                    const Walk& out_terms, std::int64_t rows, std::int64_t n, int threads) {
  using C = std::conditional_t<sizeof(E) == 2, float, E>;
  constexpr int lanes = StripeRows<C>::lanes;
  const std::int64_t inner = adjacent_rows(x_rows, out_rows), tiles = (inner + lanes - 1) / lanes;
  parallel_for(rows / inner * tiles, (64 << 10) / (n * lanes) + 1, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 StripeRows<C> sums;
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t first = i % tiles * lanes, row = i / tiles * inner + first;
                   const std::int64_t width = inner - first < lanes ? inner - first : lanes;
                   softmax_tile<E, C>(args.x.as<E>() + x_rows.offset(row), x_terms,
                                      args.out.as<E>() + out_rows.offset(row), out_terms, n, width,
                                      args.kind == Normalization::log_softmax, sums);
                 }
               });
}

// The axes of a group norm whose channels lie side by side: (samples, groups, channels, space...).
struct Channels {
  std::int64_t samples, groups, each, all, space;
  Walk x_space, out_space;
};

// sums[sample * all + channel] over space, of x or of (x - mean)^2.
template <class E, class C>
void sums_over_space(const NormalizeArgs& args, const Channels& at, const C* means, C* results, int threads) {
  using V = Vec<C>;
  constexpr int lanes = StripeRows<C>::lanes;
  const std::int64_t tiles = (at.all + lanes - 1) / lanes;
  parallel_for(at.samples * tiles, (64 << 10) / (at.space * lanes) + 1, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 StripeRows<C> sums;
                 alignas(64) C row[lanes];
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t sample = i / tiles, first = i % tiles * lanes;
                   const std::int64_t width = at.all - first < lanes ? at.all - first : lanes;
                   const E* x = args.x.as<E>() + sample * args.x.strides[0] + first;
                   const C* mean = means ? means + sample * at.all + first : nullptr;
                   sums.start(width, at.space);
                   for (std::int64_t k = 0; k < at.space; ++k) {
                     const E* p = x + at.x_space.offset(k);
                     by_vectors<V>(width, [&](std::int64_t w, int count) __attribute__((always_inline)) {
                       V v = V::load(p + w, count);
                       if (mean) {
                         v = v - V::load(mean + w, count);
                         v = v * v;
                       }
                       v.store(row + w);
                     });
                     sums.template add<1>(row, 1);
                   }
                   const C* total = sums.total();
                   for (std::int64_t w = 0; w < width; ++w) results[sample * at.all + first + w] = total[w];
                 }
               });
}

// Each channel's value becomes f(the sum over its group's channels).
template <class C, class F>
STRETTO_INLINE void by_group(const Channels& at, C* values, F&& f) {
  for (std::int64_t i = 0; i < at.samples * at.groups; ++i) {
    C* group = values + i * at.each;
    const C result = f(whole_row<SumOf, C>(group, at.each, C(0)));
    for (std::int64_t c = 0; c < at.each; ++c) group[c] = result;
  }
}

template <class E>
void group_norm_across(const NormalizeArgs& args, const Channels& at, int threads) {
  using C = std::conditional_t<sizeof(E) == 2, float, E>;
  using V = Vec<C>;
  const Scratch memory(2 * at.samples * at.all * std::int64_t(sizeof(C)));
  C* means = memory.as<C>();
  C* scales = means + at.samples * at.all;
  const C n = C(at.each * at.space);
  sums_over_space<E, C>(args, at, nullptr, means, threads);
  by_group(at, means, [&](C sum) { return sum / n; });
  sums_over_space<E, C>(args, at, means, scales, threads);
  by_group(at, scales, [&](C sum) { return C(1) / sqrt(Scalar<C>{sum / n + C(args.eps)}).v; });
  const C* gamma = static_cast<const C*>(args.gamma);
  const C* beta = static_cast<const C*>(args.beta);
  parallel_for(at.samples * at.space, (64 << 10) / at.all + 1, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t sample = i / at.space, k = i % at.space;
                   const E* p = args.x.as<E>() + sample * args.x.strides[0] + at.x_space.offset(k);
                   E* q = args.out.as<E>() + sample * args.out.strides[0] + at.out_space.offset(k);
                   const C *m = means + sample * at.all, *r = scales + sample * at.all;
                   by_vectors<V>(at.all, [&](std::int64_t c, int count) __attribute__((always_inline)) {
                     V z = (V::load(p + c, count) - V::load(m + c, count)) * V::load(r + c, count);
                     if (gamma && beta)
                       z = fma(z, V::load(gamma + c, count), V::load(beta + c, count));
                     else if (gamma)
                       z = z * V::load(gamma + c, count);
                     else if (beta)
                       z = z + V::load(beta + c, count);
                     z.store(q + c, count);
                   });
                 }
               });
}

}  // namespace
}  // namespace stretto::STRETTO_ISA
