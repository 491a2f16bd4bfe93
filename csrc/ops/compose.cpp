#include "ops/compose.h"

#include <algorithm>
#include <vector>

#include "kernels/copy/copy.h"
#include "ops/arguments.h"
#include "ops/room.h"
#include "ops/shapes.h"

namespace stretto {
namespace {

// Rows [begin, begin + count) of the first axis.
Temporary rows_of(const Temporary& x, std::int64_t begin, std::int64_t count) {
  Temporary rows = x;
  rows.view.data = x.view.as<char>() + begin * x.view.strides[0] * itemsize(x.view.dtype);
  rows.view.shape[0] = count;
  return rows;
}

}  // namespace

Temporary Composer::empty(DType dtype, const Dims& shape) const {
  const std::int64_t size = checked_size("gradient", {dtype, shape});
  std::shared_ptr<void> memory = room_for(size * itemsize(dtype), place_);
  return {contiguous_view(memory.get(), dtype, shape, place_), memory};
}

Temporary Composer::converted(const ArrayView& view, DType dtype) const {
  if (!view.present() || view.dtype == dtype) return {view, nullptr};
  Temporary result = empty(dtype, view.shape);
  copy(view, result.view);
  return result;
}

Temporary Composer::number(double value, DType dtype) const {
  Temporary result = empty(dtype, Dims{});
  copy(contiguous_view(&value, DType::f64, {}), result.view);
  return result;
}

Temporary Composer::apply(Elementwise function, std::initializer_list<Temporary> inputs) const {
  ElementwiseArgs args{};
  args.function = function;
  Dims shape;
  for (const Temporary& input : inputs) shape = broadcast("gradient", shape, input.view.shape);
  for (const Temporary& input : inputs) args.inputs[args.count++] = broadcast_to(input.view, shape);
  Temporary result = empty(args.inputs[0].dtype, shape);
  args.out = result.view;
  if (args.out.size()) select_elementwise(args, this_machine(), nullptr).run(args, threads_);
  return result;
}

Temporary Composer::apply(Activation activation, const Temporary& x) const {
  ElementwiseArgs args{};
  args.function = Elementwise::activation;
  args.activation = activation;
  args.count = 1;
  args.inputs[0] = x.view;
  Temporary result = empty(x.view.dtype, x.view.shape);
  args.out = result.view;
  if (args.out.size()) select_elementwise(args, this_machine(), nullptr).run(args, threads_);
  return result;
}

Temporary Composer::reduce(Reduction reduction, const Temporary& x, const bool (&reduced)[kMaxDims]) const {
  ReduceArgs args{};
  args.reduction = reduction;
  args.x = x.view;
  args.x.shape.count = args.x.strides.count = 0;
  Dims shape = x.view.shape, kept;
  for (const bool wanted : {false, true}) {
    for (int d = 0; d < x.view.shape.count; ++d) {
      if (reduced[d] != wanted) continue;
      args.x.shape.push(x.view.shape[d]);
      args.x.strides.push(x.view.strides[d]);
      if (wanted)
        shape[d] = 1;
      else
        kept.push(x.view.shape[d]);
    }
  }
  args.kept = kept.count;
  Temporary result = empty(x.view.dtype, shape);
  args.out = contiguous_view(result.view.data, x.view.dtype, kept, place_);
  if (args.out.size()) select_reduce(args, this_machine(), nullptr).run(args, threads_);
  return result;
}

Temporary Composer::sum_by_grains(const Temporary& x, const bool (&reduced)[kMaxDims],
                                  std::int64_t grain) const {
  const std::int64_t samples = x.view.shape[0];
  std::vector<Temporary> totals;
  for (std::int64_t first = 0; first < samples; first += grain)
    totals.push_back(reduce(Reduction::sum, rows_of(x, first, std::min(grain, samples - first)), reduced));
  if (totals.empty()) return reduce(Reduction::sum, x, reduced);
  while (totals.size() > 1) {
    std::vector<Temporary> next;
    for (std::size_t i = 0; i + 1 < totals.size(); i += 2)
      next.push_back(apply(Elementwise::add, {totals[i], totals[i + 1]}));
    if (totals.size() % 2) next.push_back(totals.back());
    totals = std::move(next);
  }
  return totals[0];
}

}  // namespace stretto
