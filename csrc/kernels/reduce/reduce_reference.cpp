// One output after the other in plain loops: oracle of every other variant, and last row of the table.
#include <vector>

#include "kernels/load.h"
#include "kernels/offset.h"
#include "kernels/reduce/reduce.h"
#include "kernels/sum_reference.h"

namespace stretto {
namespace {

template <class C>
std::int64_t argmax_of(const std::vector<C>& values) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[best] != values[best]) break;  // the first NaN wins
    if (values[i] > values[best] || values[i] != values[i]) best = i;
  }
  return std::int64_t(best);
}

template <class C>
C extreme_of(const std::vector<C>& values, bool largest) {
  C best = values[0];
  for (const C x : values)
    if (best == best && (x != x || (largest ? x > best : x < best))) best = x;
  if constexpr (std::is_floating_point_v<C>) return best + C(0);
  return best;
}

template <class C>
C var_of(const std::vector<C>& values, double ddof) {
  const auto n = std::int64_t(values.size());
  const C mean = sum_reference<C>(n, [&](std::int64_t i) { return values[std::size_t(i)]; }) / C(n);
  const C squares = sum_reference<C>(n, [&](std::int64_t i) {
    const C d = values[std::size_t(i)] - mean;
    return C(d * d);
  });
  const C freedom = C(double(n) - ddof);
  return squares / (freedom > C(0) ? freedom : C(0));
}

template <class T>
void run(const ReduceArgs& args) {
  using C = Compute<T>;
  Dims kept = args.x.shape, reduced, reduced_strides;
  for (int d = args.kept; d < args.x.shape.count; ++d) {
    reduced.push(args.x.shape[d]);
    reduced_strides.push(args.x.strides[d]);
  }
  kept.count = args.kept;
  for (std::int64_t o = 0; o < kept.product(); ++o) {
    const T* x = args.x.as<T>() + offset_of(o, kept, args.x.strides);
    const std::int64_t to = offset_of(o, args.out.shape, args.out.strides);
    std::vector<C> values;
    for (std::int64_t r = 0; r < reduced.product(); ++r)
      values.push_back(widen(x[offset_of(r, reduced, reduced_strides)]));
    const auto n = std::int64_t(values.size());
    const auto term = [&](std::int64_t i) { return values[std::size_t(i)]; };
    if (args.reduction == Reduction::argmax) {
      args.out.as<std::int64_t>()[to] = argmax_of(values);
    } else if (args.reduction == Reduction::max || args.reduction == Reduction::min) {
      args.out.as<T>()[to] = narrow<T>(extreme_of(values, args.reduction == Reduction::max));
    } else if constexpr (std::is_floating_point_v<C>) {
      C y = sum_reference<C>(n, term);
      if (args.reduction == Reduction::mean) y = y / C(n);
      if (args.reduction == Reduction::var) y = var_of(values, args.ddof);
      args.out.as<T>()[to] = narrow<T>(y);
    } else {
      std::uint64_t sum = 0;
      for (const C value : values) sum += std::uint64_t(value);
      args.out.as<std::uint64_t>()[to] = sum;
    }
  }
}

}  // namespace

void reduce_reference(const ReduceArgs& args, int) {
  visit_dtype(args.x.dtype, [&](auto type) { run<typename decltype(type)::type>(args); });
}

}  // namespace stretto
