// Reductions on a device: rows are folded in passes (kernels/rows_cuda.h), then finished, a result a thread.
#include "kernels/cuda_kernels.h"
#include "kernels/reduce/reduce.h"
#include "kernels/rows_cuda.h"

namespace stretto {
namespace {

template <class C>
using Source = Terms<C, 1>;

template <class C>
struct Sum : Adding<C> {
  Source<C> x;
  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const { return so_far + x.at(row, k); }
};

template <class C>
struct SumOfSquares : Adding<C> {  // of what is left of the row's mean
  Source<C> x;
  const C* sums;
  C n;
  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const {
    const C d = x.at(row, k) - sums[row] / n;
    return so_far + d * d;
  }
};

template <class C>
struct Ranked {
  C value;
  std::int64_t index;  // -1: there is none yet
};

// The first maximum; the first NaN is more.
template <class C>
struct FirstOfRanked {
  using Value = Ranked<C>;
  using Joining = FirstOfRanked;
  STRETTO_INLINE Value none() const { return {C(0), -1}; }
  STRETTO_INLINE Value joined(const Value& a, const Value& b) const {
    if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
    const bool a_is_nan = a.value != a.value, b_is_nan = b.value != b.value;
    const bool equals = a_is_nan || b_is_nan ? a_is_nan == b_is_nan : a.value == b.value;
    if (equals) return a.index < b.index ? a : b;
    return a_is_nan || (!b_is_nan && a.value > b.value) ? a : b;
  }
};

template <class C>
struct FirstMaximum : FirstOfRanked<C> {
  using Value = Ranked<C>;
  Source<C> x;
  STRETTO_INLINE Value take(const Value& so_far, std::int64_t row, int k) const {
    return this->joined(so_far, {x.at(row, k), k});
  }
};

template <class C>
STRETTO_INLINE C value_of(const C& value) {
  return value;
}
template <class C>
STRETTO_INLINE std::int64_t value_of(const Ranked<C>& place) {
  return place.index;
}

// A row's value as the result.
struct Finish {
  Reduction reduction;
  double n, ddof;

  template <class Value>
  STRETTO_INLINE auto operator()(const Value& value) const {
    auto y = value_of(value);
    using C = decltype(y);
    if constexpr (std::is_floating_point_v<C>) {
      if (reduction == Reduction::mean) y = y / C(n);
      if (reduction == Reduction::var) {
        const C freedom = C(n - ddof);
        y = y / (freedom > C(0) ? freedom : C(0));
      }
      if (reduction == Reduction::max || reduction == Reduction::min) y = y + C(0);
    }
    return y;
  }
};

template <class C>
class Reducer {
 public:
  explicit Reducer(const ReduceArgs& args)
      : args_(args),
        place_(*args.out.place),
        x_{args.x.data, args.x.dtype, row_loops<1>(args.x.shape, args.kept, {&args.x.strides})},
        rows_(std::int64_t(x_.loops.row.size)),
        n_(std::int64_t(x_.loops.term.size)) {}

  void run() const {
    switch (args_.reduction) {
      case Reduction::max:
      case Reduction::min:
        return finish(fold(ExtremeTerm<C, 1>{{args_.reduction == Reduction::max}, x_}));
      case Reduction::argmax:
        return finish(fold(FirstMaximum<C>{{}, x_}));
      case Reduction::var:
        if constexpr (std::is_floating_point_v<C>)
          finish(fold(SumOfSquares<C>{{}, x_, fold(Sum<C>{{}, x_}), C(n_)}));
        return;
      default:
        if constexpr (!std::is_same_v<C, std::int64_t>) finish(fold(Sum<C>{{}, x_}));
    }
  }

 private:
  template <class Fold>
  const typename Fold::Value* fold(const Fold& fold) const {
    return folded(place_, "reduce", fold, rows_, n_, are_adjacent(x_.loops));
  }
  template <class Value>
  void finish(const Value* values) const {
    store_rows("reduce", values, Finish{args_.reduction, double(n_), args_.ddof}, args_.out);
  }

  const ReduceArgs& args_;
  const Place& place_;
  Source<C> x_;
  std::int64_t rows_, n_;
};

}  // namespace

const char* cuda_reduce(const ReduceArgs& args) {
  return guarded("reduce", [&] {
    if (args.out.size() == 0) return;
    if (args.reduction == Reduction::sum && !is_floating(args.x.dtype))
      return Reducer<std::uint64_t>(args).run();  // modulo 2^64
    visit_kind(args.x.dtype, [&](auto kind) { Reducer<typename decltype(kind)::type>(args).run(); });
  });
}

}  // namespace stretto
