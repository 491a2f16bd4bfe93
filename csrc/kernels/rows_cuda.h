// Rows of terms folded to one value each, on a device, by the contract's sum rule: 16 stripes of a segment of
// 4096 terms, then a fixed tree, and the segments' totals by the same rule. A block takes 16 segments, of one
// row or of several, a thread a stripe.
//
//   Fold: type Value; type Joining, which joins alike; none(); joined(Value, Value); take(Value so_far, row,
//   k)
#pragma once

#include <stdexcept>
#include <string>

#include "cuda/elements.h"
#include "cuda/loops.h"
#include "kernels/storage.h"
#include "kernels/transcendental.h"

namespace stretto {

template <class Fold>
struct FoldSegments {
  using Value = typename Fold::Value;
  static constexpr int kStripes = 16, kItems = 16, kThreads = kStripes * kItems, kSegment = 4096;
  struct Shared {
    Value stripe[kItems][kStripes + 1];
  };
  Fold fold;
  std::int64_t rows;
  int n, segments;
  bool rows_are_adjacent;  // neighbouring threads take neighbouring rows, not stripes
  Value* totals;           // (row, segment)

  STRETTO_KERNEL void operator()(const Block& block, Shared& shared) const {
    const int low = block.thread() % 16, high = block.thread() / 16;
    const int item = rows_are_adjacent ? low : high, stripe = rows_are_adjacent ? high : low;
    const std::int64_t index = block.index() * kItems + item, row = index % rows;
    const int segment = int(index / rows);
    Value value = fold.none();
    if (segment < segments) {
      const int start = segment * kSegment, end = n - start < kSegment ? n : start + kSegment;
#pragma unroll 4
      for (int k = start + stripe; k < end; k += kStripes) value = fold.take(value, row, k);
    }
    shared.stripe[item][stripe] = value;
    block.sync();
    for (int h = kStripes / 2; h > 0; h /= 2) {
      Value* own = &shared.stripe[item][stripe];
      if (stripe < h) *own = fold.joined(own[0], own[h]);
      block.sync();
    }
    if (stripe == 0 && segment < segments) totals[row * segments + segment] = shared.stripe[item][0];
  }
};

// The next level: the totals of one fold as terms.
template <class Joining>
struct FoldTotals : Joining {
  using Value = typename Joining::Value;
  const Value* totals;
  int n;
  STRETTO_INLINE Value take(const Value& so_far, std::int64_t row, int k) const {
    return this->joined(so_far, totals[row * n + k]);
  }
};

template <class Fold>
typename Fold::Value* folded_level(const Place& place, const char* name, const Fold& fold, std::int64_t rows,
                                   int n, bool rows_are_adjacent) {
  using Kernel = FoldSegments<Fold>;
  using Value = typename Fold::Value;
  const int segments = n > 0 ? (n - 1) / Kernel::kSegment + 1 : 1;
  Value* totals = place.memory<Value>(rows * segments * std::int64_t(sizeof(Value)));
  const Kernel kernel{fold, rows, n, segments, rows_are_adjacent, totals};
  launch(place, name, (rows * segments - 1) / Kernel::kItems + 1, kernel);
  return totals;
}

// The value of every row, in memory of the call.
template <class Fold>
const typename Fold::Value* folded(const Place& place, const char* name, const Fold& fold, std::int64_t rows,
                                   std::int64_t length, bool rows_are_adjacent) {
  if (length > std::int64_t(1) << 30) throw std::runtime_error("a row has more than 2^30 terms");
  int n = int(length);
  typename Fold::Value* totals = folded_level(place, name, fold, rows, n, rows_are_adjacent);
  while (n > 4096) {
    n = (n - 1) / 4096 + 1;
    using Joining = typename Fold::Joining;
    const FoldTotals<Joining> next{static_cast<const Joining&>(fold), totals, n};
    totals = folded_level(place, name, next, rows, n, false);
  }
  return totals;
}

template <class C>
struct Adding {
  using Value = C;
  using Joining = Adding;
  STRETTO_INLINE C none() const { return C(0); }
  STRETTO_INLINE C joined(C a, C b) const { return a + b; }
};

// NaN wins; of integers 64 bits hold every dtype's. The result of floats is to have +0 added.
template <class C>
struct Extreme {
  using Value = C;
  using Joining = Extreme;
  bool largest;
  STRETTO_INLINE C none() const {
    if constexpr (std::is_floating_point_v<C>)
      return largest ? -FloatFormat<C>::infinity : FloatFormat<C>::infinity;
    else if constexpr (std::is_signed_v<C>)
      return largest ? C(std::uint64_t(1) << 63) : C(~(std::uint64_t(1) << 63));
    else
      return largest ? C(0) : ~C(0);
  }
  STRETTO_INLINE C joined(C a, C b) const {
    const bool b_is_more = largest ? b > a : b < a;
    return a != a || (b == b && !b_is_more) ? a : b;
  }
};

// The elements of a view whose first axes count rows and whose others count terms, in the order of the axes.
template <int kViews>
struct RowLoops {
  Loops<kViews> row, term;

  STRETTO_INLINE void offsets(std::int64_t r, int k, std::int64_t (&at)[kViews]) const {
    std::int64_t more[kViews];
    row.offsets(std::uint32_t(r), at);
    term.offsets(std::uint32_t(k), more);
    for (int v = 0; v < kViews; ++v) at[v] += more[v];
  }
};

// Views of one shape, cut after `kept` axes. At most 2^30 rows and 2^30 terms.
template <int kViews>
RowLoops<kViews> row_loops(const Dims& shape, int kept, const Dims* const (&views)[kViews]) {
  Dims parts[2], strides[2][kViews];
  const Dims* chosen[2][kViews];
  for (int d = 0; d < shape.count; ++d) {
    parts[d >= kept].push(shape[d]);
    for (int v = 0; v < kViews; ++v) strides[d >= kept][v].push((*views[v])[d]);
  }
  for (int part = 0; part < 2; ++part) {
    for (int v = 0; v < kViews; ++v) chosen[part][v] = &strides[part][v];
    if (parts[part].product() > std::int64_t(1) << 30)
      throw std::runtime_error("more than 2^30 rows or terms");
  }
  constexpr std::int64_t all = std::int64_t(1) << 30;
  return {LoopNest<kViews>(parts[0], chosen[0], all, LoopOrder::axes).whole(),
          LoopNest<kViews>(parts[1], chosen[1], all, LoopOrder::axes).whole()};
}

// The terms of the first of some views.
template <class C, int kViews>
struct Terms {
  const void* data;
  DType dtype;
  RowLoops<kViews> loops;

  STRETTO_INLINE C at(std::int64_t row, int k) const {
    std::int64_t offset[kViews];
    loops.offsets(row, k, offset);
    return load_as<C>(data, dtype, offset[0]);
  }
};

template <class C, int kViews>
struct ExtremeTerm : Extreme<C> {
  Terms<C, kViews> x;
  STRETTO_INLINE C take(C so_far, std::int64_t row, int k) const {
    return this->joined(so_far, x.at(row, k));
  }
};

// What becomes of the rows' values, into a view whose elements, in C order, are the rows.
template <class Value, class Finish>
struct StoreRows {
  const Value* values;
  Finish finish;
  void* out;
  DType dtype;
  Loops<1> to;

  STRETTO_KERNEL void operator()(std::int64_t row) const {
    std::int64_t at[1];
    to.offsets(std::uint32_t(row), at);
    const auto y = finish(values[row]);
    store_own<std::remove_const_t<decltype(y)>>(out, dtype, at[0], y);
  }
};

template <class Value, class Finish>
void store_rows(const char* name, const Value* values, const Finish& finish, const ArrayView& out) {
  const LoopNest<1> nest(out.shape, {&out.strides}, std::int64_t(1) << 30, LoopOrder::axes);
  launch_elements(*out.place, name, out.size(),
                  StoreRows<Value, Finish>{values, finish, out.data, out.dtype, nest.whole()});
}

// Whether neighbouring rows lie closer together than neighbouring terms.
template <int kViews>
bool are_adjacent(const RowLoops<kViews>& loops) {
  const auto step = [](const Loops<kViews>& l) {
    const std::int64_t s = l.strides[0][l.count - 1];
    return s < 0 ? -s : s;
  };
  return loops.row.size > 1 && step(loops.row) < step(loops.term);
}

}  // namespace stretto
