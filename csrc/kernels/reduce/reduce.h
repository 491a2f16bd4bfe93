// Reductions over axes:   out[o] = reduce over r of x[o, r],  r in C order of the reduced axes
//
// sum: the contract's 16 stripes, segments of 4096 and fixed tree (docs/numerics.md). mean = sum / n.
// var: d = x - mean; sum(d * d) / (n - ddof). max, min: NaN wins, a zero result is +0. argmax: the first
// maximum, NaN winning.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"

namespace stretto {

enum class Reduction : std::uint8_t { sum, mean, max, min, var, argmax };

struct ReduceArgs {
  Reduction reduction;
  // The same elements: x's kept axes first, in out's order, then the reduced ones, in theirs.
  ArrayView x;
  int kept = 0;   // number of kept axes
  ArrayView out;  // shape of the kept axes; of x's dtype, or int64 for argmax; sums of integers have 64 bits
  double ddof = 0;  // var
};

struct ReduceVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const ReduceArgs&);
  void (*run)(const ReduceArgs&, int threads);
};

const ReduceVariant& select_reduce(const ReduceArgs& args, const Machine& machine, const char* forced);

}  // namespace stretto
