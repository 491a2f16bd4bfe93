// Reductions for one instruction set. Each segment of each output is folded by itself, along contiguous
// memory, across it (lanes are outputs), or from a gathered copy; the totals of segments are folded the same
// way.
#include "base/counts.h"
#include "base/parallel.h"
#include "kernels/blocks.h"
#include "kernels/load.h"
#include "kernels/reduce/fold_across.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reduce_any.h"
#include "kernels/stripes.h"

namespace stretto::STRETTO_ISA {
namespace {

struct Shape {
  Walk kept, reduced;
  std::int64_t outputs, terms, segments;
};

// totals[segment * outputs + output], each segment from a row of terms: as it lies, also in long runs, or
// gathered.
template <class Fold, class C, class E>
void fold_rows(const Shape& shape, const E* x, const C* means, C* totals, std::int64_t begin,
               std::int64_t end) {
  const Walk& reduced = shape.reduced;
  const bool is_one_run = reduced.contiguous();
  const bool has_long_runs = reduced.count && reduced.stride[reduced.count - 1] == 1 &&
                             reduced.size[reduced.count - 1] >= 2 * kStripes;
  const std::int64_t last = shape.segments - 1, last_terms = shape.terms - last * kSumSegment;
  alignas(64) E buffer[kSumSegment];
  const auto fold = [&](const E* row, std::int64_t first, std::int64_t n, C mean) {
    if (is_one_run) return segment<Fold>(row + first, n, mean);
    if constexpr (std::is_same_v<E, C>) {
      if (has_long_runs) {
        Stripes<Fold, C> stripes(mean);
        reduced.rows(first, n,
                     [&](std::int64_t offset, std::int64_t, std::int64_t done, std::int64_t count)
                         __attribute__((always_inline)) {
                           stripes.add_from(int(done % kStripes), row + offset, count);
                         });
        return fold_lanes<Fold>(stripes.total());
      }
    }
    gather(reduced, row, first, n, buffer);
    return segment<Fold>(buffer, n, mean);
  };
  std::int64_t output = begin / shape.segments, index = begin % shape.segments;
  for (std::int64_t i = begin; i < end; ++i) {
    totals[index * shape.outputs + output] =
        fold(x + shape.kept.offset(output), index * kSumSegment, index == last ? last_terms : kSumSegment,
             means ? means[output] : C(0));
    if (index++ == last) index = 0, ++output;
  }
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
  const Tiles of_row =
      tiles_for<Fold, C>(inner, shape.outputs * shape.terms * std::int64_t(sizeof(E)), threads);
  const std::int64_t tiles = divide_up(inner, of_row.width);
  parallel_for(shape.outputs / inner * tiles * shape.segments,
               (128 << 10) / ((terms + 16) * least(inner, of_row.width)) + 1, threads,
               [&](std::int64_t begin, std::int64_t end) {
                 const Scratch stripes(of_row.stripes * of_row.width * std::int64_t(sizeof(C)));
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t index = i / tiles % shape.segments, first = i % tiles * of_row.width;
                   const std::int64_t output = i / tiles / shape.segments * inner + first;
                   const std::int64_t start = index * kSumSegment;
                   fold_tile<Fold>(
                       shape.reduced, x + kept.offset(output), start, least(kSumSegment, shape.terms - start),
                       means ? means + output : nullptr, stripes.as<C>(), of_row.stripes, of_row.width,
                       least(of_row.width, inner - first), totals + index * shape.outputs + output);
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
