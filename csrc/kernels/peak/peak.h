// What one core reaches: fused multiply-adds a second, and bytes a second to and from memory. Measured, never
// looked up: the roofline that kernels are held against (Williams, Waterman, Patterson: Roofline, 2009).
#pragma once

#include <cstdint>

#include "base/dtype.h"
#include "base/machine.h"

namespace stretto {

// How a stream goes through its working set: read it all, write it all, or copy one half onto the other.
enum class Stream : std::uint8_t { read, write, copy };

// Operations a second (an fma is two) of independent chains of f32 or f64, the best of about so many seconds.
// Of `Arch::reference` 0: nothing is held against it.
double fma_peak(DType dtype, Arch arch, double seconds);

// Bytes a second (read and written both count) through a working set of so many bytes, the best of about so
// many seconds, with the widest vectors of `machine`; writes pass the caches by where that is faster.
double stream_peak(Stream stream, std::int64_t bytes, double seconds, const Machine& machine);

}  // namespace stretto
