// The maps kernel of transposed convolution (phase_maps.h): for results of channels first.
#pragma once

#include "kernels/conv/phases.h"

namespace stretto::STRETTO_ISA {

// Decided by the weight and the options alone, as the layout of a packed weight is.
STRETTO_INLINE bool suits_maps(const ConvTransposeArgs& args) {
  return args.w.dtype != DType::bf16 && !args.channels_last &&
         (args.stride[0] > 1 || args.stride[1] > 1 || args.stride[2] > 1);
}

std::int64_t transpose_maps_bytes(const ConvTransposeArgs& args);
void transpose_maps_pack(const ConvTransposeArgs& args, const Phases& phases, void* packed, int threads);
void transpose_maps(const ConvTransposeArgs& args, const Phases& phases, const void* packed, int threads);

}  // namespace stretto::STRETTO_ISA
