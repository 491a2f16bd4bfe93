// Rows of terms, each normalised by itself:
//
//   softmax      m = max(x); e = exp(x - m); y = e / sum(e)
//   log_softmax  y = (x - m) - log(sum(e))
//   layer        mean = sum(x) / n; d = x - mean; v = sum(d * d) / n; y = fma(d * (1 / sqrt(v + eps)), gamma,
//   beta)
//                with the sums over space for each channel first, then over channels
//   rms          y = (x * (1 / sqrt(sum(x * x) / n + eps))) * gamma
//   affine       y = fma(x, gamma, beta)
//
// Sums are the contract's. An absent gamma or beta is absent: d * r * gamma, or d * r + beta.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"

namespace stretto {

enum class Normalization : std::uint8_t { softmax, log_softmax, layer, rms, affine };

struct NormalizeArgs {
  Normalization kind;
  int kept = 0;      // leading axes of x and out that count rows; the others count terms
  ArrayView x, out;  // one shape and dtype; not overlapping
  // Term k of row i belongs to channel (i % groups) * channels + k / space of gamma and beta, which are
  // contiguous and of x's computation type; nullptr when absent.
  std::int64_t groups = 1, channels = 1, space = 1;
  const void* gamma = nullptr;
  const void* beta = nullptr;
  double eps = 0;
};

struct NormalizeVariant {
  const char* name;
  Arch arch;
  bool (*fits)(const NormalizeArgs&);
  void (*run)(const NormalizeArgs&, int threads);
};

const NormalizeVariant& select_normalize(const NormalizeArgs& args, const Machine& machine,
                                         const char* forced);

}  // namespace stretto
