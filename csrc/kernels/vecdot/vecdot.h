// Dot products of vectors:   out[r] = sum over k of a[r, k] * b[r, k]
//
// The contract's sum rule with fma (docs/numerics.md): segments of 4096 terms, 16 stripes each, a fixed tree;
// the segments' totals are summed by the same rule.
#pragma once

#include <vector>

#include "base/array_view.h"
#include "base/machine.h"
#include "base/variant_names.h"

namespace stretto {

inline constexpr int kStripes = 16;
inline constexpr int kStripeSegment = 4096;

struct VecdotArgs {
  // Shapes (batch..., k), (batch..., k), (batch...): a and b have one dtype, out has it or float32 for 16-bit
  // floats.
  ArrayView a, b, out;

  STRETTO_INLINE std::int64_t k() const { return a.shape.last(0); }
};

struct VecdotVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const VecdotArgs&);
  void (*run)(const VecdotArgs&, int threads);
};

const VecdotVariant& select_vecdot(const VecdotArgs& args, const Machine& machine, const char* forced);
std::vector<VariantName> vecdot_variants();

}  // namespace stretto
