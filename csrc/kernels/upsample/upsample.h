// Images resampled to another height and width, by rules that say, for every output row and column, which two
// input ones it lies between (low, high) and how near to the second (weight, 0 to 1):
//
//   nearest:   out[i, j] = x[low(i), low(j)]
//   bilinear:  r(p) = fma(b, x[p, high(j)], (1 - b) * x[p, low(j)]);  out[i, j] = fma(a, r(high(i)), (1 - a)
//   * r(low(i)))
//              with a = weight(i), b = weight(j) rounded to the computation type
//   gradients: scattered from the outputs in C order onto dx, which starts at +0:
//              nearest:   dx[low(i), low(j)] += grad[i, j]
//              bilinear:  dx[p, q] += (grad[i, j] * row weight) * column weight, in the order (low, low),
//              (low, high),
//                         (high, low), (high, high) of (p, q)
#pragma once

#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "base/machine.h"

namespace stretto {

// Where the outputs of an axis lie, in float64.
struct UpsampleRule {
  std::int64_t size, outputs;
  double factor,
      ratio;  // outputs for each position, 0 where the size was asked for; positions for each output
  bool bilinear, align_corners;

  struct Spot {
    std::int32_t low, high;
    double weight;
  };
  STRETTO_INLINE Spot at(std::int64_t output) const {
    double position = double(output);
    if (!bilinear)
      position = factor > 0 ? position / factor : double(output * size / outputs);
    else if (align_corners)
      position = position * ratio;
    else
      position = (position + 0.5) * ratio - 0.5;
    std::int64_t low = position > 0 ? std::int64_t(position) : 0;
    if (low > size - 1) low = size - 1;
    double weight = bilinear && position > 0 ? position - double(low) : 0;
    if (weight > 1) weight = 1;
    return {std::int32_t(low), std::int32_t(low + 1 < size ? low + 1 : low), weight};
  }
};

// An axis by tables of its outputs.
struct UpsampleAxis {
  const std::int32_t* low;
  const std::int32_t* high;
  const double* weight;
  std::int64_t size, outputs;
};

// Contiguous (outer, height, width, inner): channels are in outer or in inner.
struct UpsampleArgs {
  const void* from;  // x, or grad
  void* to;          // out, or dx
  DType dtype;
  std::int64_t outer, inner;
  UpsampleAxis height, width;
};

// The same by rules: a device has no tables.
struct UpsampleByRules {
  const void* from;
  void* to;
  DType dtype;
  std::int64_t outer, inner;
  UpsampleRule height, width;
};

class UpsampleTable {
 public:
  explicit UpsampleTable(const UpsampleRule& rule);
  UpsampleAxis axis() const {
    return {low_.data(), high_.data(), weight_.data(), size_, std::int64_t(low_.size())};
  }

 private:
  std::int64_t size_;
  std::vector<std::int32_t> low_, high_;
  std::vector<double> weight_;
};

struct UpsampleVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const UpsampleArgs&);
  void (*run)(const UpsampleArgs&, int threads);
};

// Of the bilinear one, for float32 and float64. The others move bits or add in one order: one kernel each.
const UpsampleVariant& select_upsample(const UpsampleArgs& args, const Machine& machine, const char* forced);

void upsample_nearest(const UpsampleArgs& args, int threads);            // any dtype
void upsample_nearest_gradient(const UpsampleArgs& args, int threads);   // float32, float64
void upsample_bilinear_gradient(const UpsampleArgs& args, int threads);  // float32, float64

}  // namespace stretto
