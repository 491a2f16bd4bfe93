// Ops made of other kernels: results of element-wise functions and reductions as temporary arrays.
#pragma once

#include <initializer_list>
#include <memory>

#include "kernels/elementwise/elementwise.h"
#include "kernels/reduce/reduce.h"
#include "ops/op.h"

namespace stretto {

// A contiguous array that frees itself with its last copy; or a view of somebody else's.
struct Temporary {
  ArrayView view;
  std::shared_ptr<void> storage;
};

class Composer {
 public:
  // For a call with this result: temporary arrays are where it is.
  Composer(const ArrayView& out, int threads) : place_(out.place), threads_(threads) {}

  Temporary empty(DType dtype, const Dims& shape) const;
  Temporary converted(const ArrayView& view, DType dtype) const;  // the view itself where it has the dtype
  Temporary number(double value, DType dtype) const;              // without dimensions

  // Of arrays that broadcast; the dtype is the first one's.
  Temporary apply(Elementwise function, std::initializer_list<Temporary> inputs) const;
  Temporary apply(Activation activation, const Temporary& x) const;

  // Over the axes that `reduced` marks, which stay with size 1.
  Temporary reduce(Reduction reduction, const Temporary& x, const bool (&reduced)[kMaxDims]) const;

  // Sums over the marked axes, of which the first is the samples': each grain of samples by itself, then
  // level by level t[i] = t[2i] + t[2i+1], an odd last one moving up unchanged.
  Temporary sum_by_grains(const Temporary& x, const bool (&reduced)[kMaxDims], std::int64_t grain) const;

 private:
  const Place* place_;
  int threads_;
};

}  // namespace stretto
