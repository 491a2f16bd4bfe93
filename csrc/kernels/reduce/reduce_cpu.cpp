// Reductions for one instruction set. Each segment of each output is folded by itself, along contiguous
// memory, across it (lanes are outputs), or from a gathered copy; the totals of segments are folded the same
// way.
#include "base/counts.h"
#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/load.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reduce_any.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {
namespace {

constexpr std::int64_t kTile = 128;  // outputs that are folded together when lanes are outputs

struct Shape {
  Walk kept, reduced;
  std::int64_t outputs, terms, segments;
};

// totals[segment * outputs + output], each segment from a row of terms.
template <class Fold, class C, class E>
void fold_rows(const Shape& shape, const E* x, const C* means, C* totals, std::int64_t begin,
               std::int64_t end) {
  const bool direct = shape.reduced.contiguous();
  const std::int64_t last = shape.segments - 1, last_terms = shape.terms - last * kSumSegment;
  alignas(64) E buffer[kSumSegment];
  std::int64_t output = begin / shape.segments, index = begin % shape.segments;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t first = index * kSumSegment, n = index == last ? last_terms : kSumSegment;
    const E* row = x + shape.kept.offset(output);
    if (!direct) gather(shape.reduced, row, first, n, buffer);
    totals[index * shape.outputs + output] =
        segment<Fold>(direct ? row + first : buffer, n, means ? means[output] : C(0));
    if (index++ == last) index = 0, ++output;
  }
}

// The same for a tile of outputs that lie beside each other.
template <class Fold, class C, class E>
void fold_tile(const Shape& shape, const E* x, const C* means, C* totals, std::int64_t output,
               std::int64_t width, std::int64_t index) {
  using V = Vec<C>;
  using S = Scalar<C>;
  const std::int64_t start = index * kSumSegment, n = least(kSumSegment, shape.terms - start);
  const E* tile = x + shape.kept.offset(output);
  alignas(64) C s[kStripes][kTile], mean[kTile] = {};
  if (means)
    for (std::int64_t w = 0; w < width; ++w) mean[w] = means[output + w];
  const C first = Fold::template start<S>().v;
  for (auto& stripe : s)
    for (C& value : stripe) value = first;
  shape.reduced.rows(
      start, n,
      [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count)
          __attribute__((always_inline)) {
            for (std::int64_t k = 0; k < count; ++k) {
              const E* p = tile + offset + k * stride;
              C* stripe = s[(done + k) % kStripes];
              std::int64_t w = 0;
              for (; w + V::lanes <= width; w += V::lanes)
                Fold::step(V::load(stripe + w), V::load(p + w), V::load(mean + w)).store(stripe + w);
              if (w < width)
                Fold::step(V::load(stripe + w), V::load(p + w, int(width - w)), V::load(mean + w))
                    .store(stripe + w, int(width - w));
            }
          });
  for (int h = kStripes / 2; h >= 1; h /= 2)
    for (int j = 0; j < h; ++j)
      for (std::int64_t w = 0; w < width; w += V::lanes)
        Fold::Above::step(V::load(s[j] + w), V::load(s[j + h] + w), V::zero()).store(s[j] + w);
  for (std::int64_t w = 0; w < width; ++w) totals[index * shape.outputs + output + w] = s[0][w];
}

template <class Fold, class C, class E>
void fold_segments(const Shape& shape, const E* x, const C* means, C* totals, int threads) {
  const Walk& kept = shape.kept;
  const std::int64_t inner = kept.count ? kept.size[kept.count - 1] : 1;
  const bool across =
      !shape.reduced.contiguous() && kept.count && kept.stride[kept.count - 1] == 1 && inner >= 4;
  const std::int64_t work = shape.outputs * shape.terms / (64 << 10) + 1;
  threads = int(least(threads, work));
  const std::int64_t terms = least(shape.terms, kSumSegment);
  if (!across)
    return parallel_for(
        shape.outputs * shape.segments, (128 << 10) / (terms + 16) + 1, threads,
        [&](std::int64_t begin, std::int64_t end) { fold_rows<Fold>(shape, x, means, totals, begin, end); });
  const std::int64_t tiles = (inner + kTile - 1) / kTile;
  parallel_for(shape.outputs / inner * tiles * shape.segments,
               (128 << 10) / ((terms + 16) * least(inner, kTile)) + 1, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t index = i / tiles % shape.segments, first = i % tiles * kTile;
                   const std::int64_t output = i / tiles / shape.segments * inner + first;
                   fold_tile<Fold>(shape, x, means, totals, output, least(kTile, inner - first), index);
                 }
               });
}

// results[output] for all outputs; at least one term.
template <class Fold, class C, class E>
void fold_all(const Shape& shape, const E* x, const C* means, C* results, int threads) {
  if (shape.segments == 1) return fold_segments<Fold>(shape, x, means, results, threads);
  const Scratch totals(shape.segments * shape.outputs * std::int64_t(sizeof(C)));
  fold_segments<Fold>(shape, x, means, totals.as<C>(), threads);
  Dims kept, rows, kept_stride, row_stride;
  kept.push(shape.outputs);
  kept_stride.push(1);
  rows.push(shape.segments);
  row_stride.push(shape.outputs);
  const Shape above{Walk(kept, kept_stride), Walk(rows, row_stride), shape.outputs, shape.segments,
                    (shape.segments + kSumSegment - 1) / kSumSegment};
  fold_all<typename Fold::Above, C>(above, totals.as<C>(), nullptr, results, threads);
}

template <class E>
void run_floats(const ReduceArgs& args, int threads) {
  using C = Compute<E>;
  Dims kept = args.x.shape, reduced, kept_strides = args.x.strides, reduced_strides;
  for (int d = args.kept; d < args.x.shape.count; ++d) {
    reduced.push(args.x.shape[d]);
    reduced_strides.push(args.x.strides[d]);
  }
  kept.count = kept_strides.count = args.kept;
  const std::int64_t terms = reduced.product(), outputs = kept.product();
  const Shape shape{Walk(kept, kept_strides), Walk(reduced, reduced_strides), outputs, terms,
                    (terms + kSumSegment - 1) / kSumSegment};
  const E* x = args.x.as<E>();
  const Scratch memory(2 * outputs * std::int64_t(sizeof(C)));
  C* results = memory.as<C>();
  C* means = results + outputs;
  const C n = C(terms);
  switch (args.reduction) {
    case Reduction::max:
      fold_all<Largest, C>(shape, x, nullptr, results, threads);
      for (std::int64_t i = 0; i < outputs; ++i) results[i] = results[i] + C(0);
      break;
    case Reduction::min:
      fold_all<Smallest, C>(shape, x, nullptr, results, threads);
      for (std::int64_t i = 0; i < outputs; ++i) results[i] = results[i] + C(0);
      break;
    default:
      if (terms == 0)
        for (std::int64_t i = 0; i < outputs; ++i) results[i] = C(0);
      else
        fold_all<SumOf, C>(shape, x, nullptr, results, threads);
  }
  if (args.reduction == Reduction::mean || args.reduction == Reduction::var)
    for (std::int64_t i = 0; i < outputs; ++i) results[i] = results[i] / n;
  if (args.reduction == Reduction::var && terms > 0) {
    for (std::int64_t i = 0; i < outputs; ++i) means[i] = results[i];
    fold_all<SumOfSquaredDifferences, C>(shape, x, means, results, threads);
    const C freedom = C(double(terms) - args.ddof);
    for (std::int64_t i = 0; i < outputs; ++i) results[i] = results[i] / (freedom > C(0) ? freedom : C(0));
  }
  const Walk out(args.out.shape, args.out.strides);
  out.rows(0, outputs, [&](std::int64_t offset, std::int64_t stride, std::int64_t done, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      args.out.as<E>()[offset + i * stride] = narrow<E>(results[done + i]);
  });
}

}  // namespace

void reduce(const ReduceArgs& args, int threads) {
  if (args.reduction == Reduction::argmax || !is_floating(args.x.dtype)) return reduce_any(args, threads);
  visit_dtype(args.x.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_floating_point_v<Compute<T>>) run_floats<T>(args, threads);
  });
}

}  // namespace stretto::STRETTO_ISA
