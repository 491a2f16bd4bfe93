// Normalisation of rows for one instruction set: a row is contiguous in memory, or gathered and scattered, or
// lies across lanes.
#include "kernels/normalize/normalize.h"

#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/load.h"
#include "kernels/normalize/across.h"
#include "kernels/softmax_rows.h"
#include "kernels/stripes.h"
#include "kernels/transcendental.h"

namespace stretto::STRETTO_ISA {
namespace {

// y[k] = f(x[k]) for k < n, in vectors.
template <class C, class F>
STRETTO_INLINE void map(const C* x, C* y, std::int64_t n, F&& f) {
  using V = Vec<C>;
  std::int64_t k = 0;
  for (; k + V::lanes <= n; k += V::lanes) f(V::load(x + k), k, V::lanes).store(y + k);
  if (k < n) f(V::load(x + k, int(n - k)), k, int(n - k)).store(y + k, int(n - k));
}

// The sum over channels of the sums over space; `totals` has room for the channels.
template <class Fold, class C>
C channel_sum(const NormalizeArgs& args, const C* x, std::int64_t n, C mean, C* totals) {
  if (args.space == n) return whole_row<Fold, C>(x, n, mean);
  if (args.space == 1) return whole_row<Fold, C>(x, n, mean);
  const std::int64_t channels = n / args.space;
  for (std::int64_t c = 0; c < channels; ++c)
    totals[c] = whole_row<Fold, C>(x + c * args.space, args.space, mean);
  return whole_row<SumOf, C>(totals, channels, C(0));
}

template <class C, class F>
STRETTO_INLINE void affine(const NormalizeArgs& args, std::int64_t row, const C* x, C* y, std::int64_t n,
                           F&& f) {
  using V = Vec<C>;
  const std::int64_t first = row % args.groups * args.channels;
  const C* gamma = args.gamma ? static_cast<const C*>(args.gamma) + first : nullptr;
  const C* beta = args.beta ? static_cast<const C*>(args.beta) + first : nullptr;
  const bool per_term = args.space == 1;
  const std::int64_t run = per_term ? n : args.space;
  for (std::int64_t start = 0, c = 0; start < n; start += run, ++c) {
    const V g = V::broadcast(gamma && !per_term ? gamma[c] : C(1));
    const V b = V::broadcast(beta && !per_term ? beta[c] : C(0));
    if (gamma && beta && !per_term) {
      map_row(x + start, y + start, run, [&](V v) __attribute__((always_inline)) { return fma(f(v), g, b); });
      continue;
    }
    map(x + start, y + start, run, [&](V v, std::int64_t k, int count) __attribute__((always_inline)) {
      const V z = f(v);
      if (gamma && beta) return fma(z, V::load(gamma + k, count), V::load(beta + k, count));
      if (gamma) return z * (per_term ? V::load(gamma + k, count) : g);
      if (beta) return z + (per_term ? V::load(beta + k, count) : b);
      return z;
    });
  }
}

template <class C>
void normalize_row(const NormalizeArgs& args, std::int64_t row, const C* x, C* y, std::int64_t n, C* totals) {
  using V = Vec<C>;
  using S = Scalar<C>;
  const C eps = C(args.eps);
  switch (args.kind) {
    case Normalization::softmax:
    case Normalization::log_softmax:
      return softmax_rows(x, 0, y, 0, 1, n, args.kind == Normalization::log_softmax);
    case Normalization::layer: {
      const C mean = channel_sum<SumOf>(args, x, n, C(0), totals) / C(n);
      const C squares = channel_sum<SumOfSquaredDifferences>(args, x, n, mean, totals);
      const V m = V::broadcast(mean), r = V::broadcast(C(1) / sqrt(S{squares / C(n) + eps}).v);
      return affine(args, row, x, y, n, [&](V v) __attribute__((always_inline)) { return (v - m) * r; });
    }
    case Normalization::rms: {
      const C squares = whole_row<SumOfSquares, C>(x, n, C(0));
      const V r = V::broadcast(C(1) / sqrt(S{squares / C(n) + eps}).v);
      return affine(args, row, x, y, n, [&](V v) __attribute__((always_inline)) { return v * r; });
    }
    case Normalization::affine:
      return affine(args, row, x, y, n, [&](V v) __attribute__((always_inline)) { return v; });
  }
}

template <class E, class C>
void read_row(const Walk& terms, const E* from, std::int64_t n, C* to) {
  using V = Vec<C>;
  if (terms.contiguous())
    return by_vectors<V>(n, [&](std::int64_t k, int count) __attribute__((always_inline)) {
      V::load(from + k, count).store(to + k, count);
    });
  terms.rows(0, n, [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count) {
    for (std::int64_t k = 0; k < count; ++k) to[done + k] = widen(from[offset + k * stride]);
  });
}

template <class E, class C>
void write_row(const Walk& terms, E* to, std::int64_t n, const C* from) {
  using V = Vec<C>;
  if (terms.contiguous())
    return by_vectors<V>(n, [&](std::int64_t k, int count) __attribute__((always_inline)) {
      V::load(from + k, count).store(to + k, count);
    });
  terms.rows(0, n, [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count) {
    for (std::int64_t k = 0; k < count; ++k) to[offset + k * stride] = narrow<E>(from[done + k]);
  });
}

// Of a group norm, whose axes are (samples, groups, channels, space...).
STRETTO_INLINE bool has_adjacent_channels(const NormalizeArgs& args) {
  const auto adjacent = [&](const ArrayView& view) {
    return view.strides[2] == 1 && (args.groups == 1 || view.strides[1] == args.channels);
  };
  return args.kind == Normalization::layer && args.space > 1 && args.groups * args.channels >= 4 &&
         adjacent(args.x) && adjacent(args.out);
}
STRETTO_INLINE Channels channels_of(const NormalizeArgs& args) {
  Dims space, x, out;
  for (int d = 3; d < args.x.shape.count; ++d) {
    space.push(args.x.shape[d]);
    x.push(args.x.strides[d]);
    out.push(args.out.strides[d]);
  }
  return {args.x.shape[0], args.groups,    args.channels,   args.groups * args.channels,
          args.space,      Walk(space, x), Walk(space, out)};
}

// Of rows that lie one a constant step after the other, a vector's lanes at a time.
template <class C>
void softmax_of_rows(const NormalizeArgs& args, const Walk& x_rows, const Walk& out_rows, std::int64_t rows,
                     std::int64_t n, int threads) {
  constexpr int lanes = Vec<C>::lanes;
  parallel_for(rows, (64 << 10) / (n + 16) + lanes, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += lanes)
      softmax_rows(args.x.as<C>() + x_rows.offset(i), x_rows.count ? x_rows.stride[0] : 0,
                   args.out.as<C>() + out_rows.offset(i), out_rows.count ? out_rows.stride[0] : 0,
                   end - i < lanes ? int(end - i) : lanes, n, args.kind == Normalization::log_softmax);
  });
}

template <class E>
void run_rows(const NormalizeArgs& args, int threads) {
  using C = Compute<E>;
  Dims kept = args.x.shape, terms, x_strides, out_strides;
  kept.count = args.kept;
  for (int d = args.kept; d < args.x.shape.count; ++d) {
    terms.push(args.x.shape[d]);
    x_strides.push(args.x.strides[d]);
    out_strides.push(args.out.strides[d]);
  }
  Dims x_kept = args.x.strides, out_kept = args.out.strides;
  x_kept.count = out_kept.count = args.kept;
  const Walk x_rows(kept, x_kept), out_rows(kept, out_kept), x_terms(terms, x_strides),
      out_terms(terms, out_strides);
  const std::int64_t rows = kept.product(), n = terms.product();
  constexpr bool is_wide = std::is_same_v<E, C>;
  const std::int64_t useful = rows * n / (16 << 10) + 1;
  if (useful < threads) threads = int(useful);
  if (!x_terms.contiguous() || !out_terms.contiguous()) {
    if (args.kind <= Normalization::log_softmax && adjacent_rows(x_rows, out_rows) > 0)
      return softmax_across<E>(args, x_rows, out_rows, x_terms, out_terms, rows, n, threads);
    if (has_adjacent_channels(args)) return group_norm_across<E>(args, channels_of(args), threads);
  }
  const bool reads = is_wide && x_terms.contiguous(), writes = is_wide && out_terms.contiguous();
  if constexpr (is_wide)
    if (args.kind <= Normalization::log_softmax && reads && writes && x_rows.count <= 1 &&
        out_rows.count <= 1)
      return softmax_of_rows<C>(args, x_rows, out_rows, rows, n, threads);
  parallel_for(rows, (64 << 10) / (n + 16) + 1, threads, [&](std::int64_t begin, std::int64_t end) {
    const Scratch memory(3 * n * std::int64_t(sizeof(C)));
    C* in = memory.as<C>();
    C* out = in + n;
    for (std::int64_t i = begin; i < end; ++i) {
      const E* from = args.x.as<E>();
      E* to = args.out.as<E>();
      from += x_rows.offset(i);
      to += out_rows.offset(i);
      if (!reads) read_row(x_terms, from, n, in);
      if constexpr (is_wide) {
        normalize_row<C>(args, i, reads ? from : in, writes ? to : out, n, out + n);
      } else {
        normalize_row<C>(args, i, in, out, n, out + n);
      }
      if (!writes) write_row(out_terms, to, n, out);
    }
  });
}

}  // namespace

void normalize(const NormalizeArgs& args, int threads) {
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_floating_point_v<Compute<T>>) run_rows<T>(args, threads);
  });
}

}  // namespace stretto::STRETTO_ISA
