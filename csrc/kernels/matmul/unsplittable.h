// Rows of a and columns of b with an element that bfloat16 parts do not hold exactly: products with them are
// computed as with the highest precision.
#pragma once

#include "base/parallel.h"
#include "kernels/matmul/chunks.h"
#include "kernels/offset.h"
#include "kernels/tile/parts.h"

#if STRETTO_EMULATE_AMX
#define STRETTO_BESIDE_AMX avx2
#else
#define STRETTO_BESIDE_AMX avx512
#endif

namespace stretto::STRETTO_BESIDE_AMX {
void matmul(const MatmulArgs& args, int threads);
}

namespace stretto::STRETTO_ISA {

inline constexpr std::int64_t kMarkedTogether = 512;  // lines: long pieces of rows

// Sets marks[i] if one of the terms of line i is unsplittable.
inline void mark_unsplittable(const float* x, std::int64_t lines, std::int64_t line, std::int64_t terms,
                              std::int64_t term, bool* marks) {
  using V = Vec<float>;
  if (line != 1 || term == 1) {
    for (std::int64_t i = 0; i < lines; ++i) {
      PartRange range;
      for (std::int64_t p = 0; p < terms; p += V::lanes)
        range.add(load_as<float, float>(x + i * line + p * term, term, int(least(V::lanes, terms - p))));
      marks[i] = range.has_outside();
    }
    return;
  }
  // Lines side by side.
  constexpr int most = kMarkedTogether / V::lanes;
  const int vectors = int(divide_up(lines, V::lanes)), last = int(lines - (vectors - 1) * V::lanes);
  PartRange ranges[most];
  for (std::int64_t p = 0; p < terms; ++p, x += term) {
    for (int v = 0; v + 1 < vectors; ++v) ranges[v].add(V::load(x + v * V::lanes));
    ranges[vectors - 1].add(V::load(x + (vectors - 1) * V::lanes, last));
  }
  for (int v = 0; v < vectors; ++v) ranges[v].mark(v + 1 < vectors ? V::lanes : last, marks + v * V::lanes);
}

// marks of all matrices of a batch, whose lines lie along `axis`, the other axis being `terms`.
inline void mark_unsplittable(const ArrayView& view, int axis, int terms, bool* marks, int threads) {
  constexpr std::int64_t few = kMarkedTogether;
  Dims batch = view.shape;
  batch.count -= 2;
  const std::int64_t lines = view.shape[axis], groups = divide_up(lines, few);
  const std::int64_t count = batch.product() * groups;
  const double flops = 4.0 * double(view.size());
  std::memset(marks, 0, std::size_t(batch.product() * lines));
  parallel_for(count, chunk_of(flops / double(greatest(1, count)), count),
               int(least(threads, std::int64_t(1 + flops / kFlopsPerThread))),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t index = i / groups, first = i % groups * few;
                   mark_unsplittable(
                       view.as<float>() + offset_of(index, batch, view.strides) + first * view.strides[axis],
                       least(few, lines - first), view.strides[axis], view.shape[terms], view.strides[terms],
                       marks + index * lines + first);
                 }
               });
}

// The product cut to rows r0..r1 and columns j0..j1.
inline MatmulArgs part_of(MatmulArgs args, std::int64_t r0, std::int64_t r1, std::int64_t j0,
                          std::int64_t j1) {
  const auto cut = [](ArrayView& view, int from_last, std::int64_t begin, std::int64_t end) {
    if (!view.present()) return;
    const int axis = view.shape.count - 1 - from_last;
    view.data = static_cast<char*>(view.data) + begin * view.strides[axis] * itemsize(view.dtype);
    view.shape[axis] = end - begin;
  };
  cut(args.a, 1, r0, r1);
  cut(args.b, 0, j0, j1);
  Epilogue& e = args.epilogue;
  for (ArrayView* view : {&args.out, &e.bias, &e.scale, &e.shift, &e.residual}) {
    cut(*view, 1, r0, r1);
    cut(*view, 0, j0, j1);
  }
  args.panels = nullptr;
  return args;
}

// The product of one matrix of each operand.
inline MatmulArgs matrix_of(MatmulArgs args, std::int64_t index) {
  Dims batch = args.out.shape;
  batch.count -= 2;
  Epilogue& e = args.epilogue;
  for (ArrayView* view : {&args.a, &args.b, &args.out, &e.bias, &e.scale, &e.shift, &e.residual}) {
    if (!view->present()) continue;
    view->data =
        static_cast<char*>(view->data) + offset_of(index, batch, view->strides) * itemsize(view->dtype);
    for (Dims* dims : {&view->shape, &view->strides}) {
      const std::int64_t rows = dims->last(1), columns = dims->last(0);
      *dims = {};
      dims->push(rows);
      dims->push(columns);
    }
  }
  return args;
}

// Calls f(begin, end) for each run of marked lines.
template <class F>
void for_each_run(const bool* marks, std::int64_t lines, const F& f) {
  for (std::int64_t i = 0; i < lines; ++i) {
    if (!marks[i]) continue;
    const std::int64_t begin = i;
    while (i < lines && marks[i]) ++i;
    f(begin, i);
  }
}

inline void multiply_unsplittable(const MatmulArgs& args, int threads) {
  const std::int64_t m = args.m(), n = args.n();
  const int columns = args.out.shape.count - 1, rows = columns - 1;
  Dims batch = args.out.shape;
  batch.count -= 2;
  const std::int64_t count = batch.product();
  const Scratch of_rows(count * m), of_columns(count * n);
  mark_unsplittable(args.a, rows, columns, of_rows.as<bool>(), threads);
  mark_unsplittable(args.b, columns, rows, of_columns.as<bool>(), threads);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto redo = [&](std::int64_t r0, std::int64_t r1, std::int64_t j0, std::int64_t j1) {
      STRETTO_BESIDE_AMX::matmul(part_of(matrix_of(args, i), r0, r1, j0, j1), threads);
    };
    for_each_run(of_rows.as<bool>() + i * m, m,
                 [&](std::int64_t begin, std::int64_t end) { redo(begin, end, 0, n); });
    for_each_run(of_columns.as<bool>() + i * n, n,
                 [&](std::int64_t begin, std::int64_t end) { redo(0, m, begin, end); });
  }
}

}  // namespace stretto::STRETTO_ISA
