// Batched matrix product:   out[b,i,j] = epilogue( dot(a[b,i,:], b[b,:,j]) )
//
// dot is the contract's chain of fused multiply-adds (docs/numerics.md). Any strides; a zero batch stride
// repeats a matrix. out must not overlap the inputs and is not read.
#pragma once

#include "base/array_view.h"
#include "base/machine.h"
#include "kernels/epilogue.h"
#include "kernels/precision.h"
#include "kernels/segment.h"

namespace stretto {

struct MatmulArgs {
  // Shapes (batch..., m, k), (batch..., k, n), (batch..., m, n) with one batch shape; a and b have one dtype,
  // out has it too, or float32 for 16-bit floats. Or out is int32, a and b being int16, or int8 and uint8 in
  // any combination.
  ArrayView a, b, out;
  Epilogue epilogue;
  Precision precision = Precision::highest;  // of float32
  const void* panels = nullptr;  // b, of one matrix, as the variant's `pack` wrote it; b holds it too

  STRETTO_INLINE std::int64_t m() const { return a.shape.last(1); }
  STRETTO_INLINE std::int64_t n() const { return b.shape.last(0); }
  STRETTO_INLINE std::int64_t k() const { return a.shape.last(0); }
};

struct MatmulVariant {
  const char* name;  // appears in tests, benches and timelines
  Arch arch;
  bool (*fits)(const MatmulArgs&);
  void (*run)(const MatmulArgs&, int threads);
  // Writes one matrix b (k, n) as panels and returns their bytes; null for `to`: only that. May be absent.
  std::int64_t (*pack)(const ArrayView& b, void* to);
};

// Pure: pass a machine to ask what another one would run.
const MatmulVariant& select_matmul(const MatmulArgs& args, const Machine& machine, const char* forced);

}  // namespace stretto
