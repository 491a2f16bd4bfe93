// How much work is worth a thread, and how much one chunk of it.
#pragma once

#include "kernels/matmul/region.h"

namespace stretto::STRETTO_ISA {

inline constexpr double kFlopsPerThread = 5e6;  // about 40 us: less is not worth a thread
inline constexpr double kFlopsPerChunk = 1e8;   // about 2 ms

STRETTO_INLINE std::int64_t chunk_of(double flops, std::int64_t tasks) {
  const std::int64_t most = std::int64_t(kFlopsPerChunk / (flops + 1)) + 1;
  return greatest(1, least(most, tasks / 64));
}

}  // namespace stretto::STRETTO_ISA
