// A matrix product as part of another op's kernel. The matmul kernel defines it for each instruction set.
#pragma once

#include "base/array_view.h"
#include "kernels/epilogue.h"

namespace stretto::STRETTO_ISA {

// out = epilogue(a b) of float32 or float64, of shapes (batch..., m, k), (batch..., k, n), (batch..., m, n);
// `panels` is b as pack_product wrote it, or null.
void product(const ArrayView& a, const ArrayView& b, const void* panels, const Epilogue& epilogue,
             const ArrayView& out, int threads);

// Writes one matrix b as panels and returns their bytes; null for `to`: only that.
std::int64_t pack_product(const ArrayView& b, void* to);

}  // namespace stretto::STRETTO_ISA
