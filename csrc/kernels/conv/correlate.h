// The kernels of a correlation, compiled once for convolution and its transpose. x has elements of the type
// `from`, the result of the type `out`.
#pragma once

#include "kernels/conv/correlation.h"

namespace stretto::STRETTO_ISA {

void correlate_channels(DType from, DType out, const Correlation& c, int threads);
std::int64_t correlate_channels_bytes(DType from, const Correlation& c);
void correlate_channels_pack(DType from, const Correlation& c, void* packed, int threads);

void correlate_pixels(DType from, DType out, const Correlation& c, int threads);
std::int64_t correlate_pixels_bytes(DType from, const Correlation& c);
void correlate_pixels_pack(DType from, const Correlation& c, void* packed);

}  // namespace stretto::STRETTO_ISA
