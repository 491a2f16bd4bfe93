// The tensor cores' product, on their imitation, against exact sums; and that no bit of a row depends on
// others.
#pragma once

#include <cstdint>

#include "base/place.h"
#include "kernels/cuda_table.h"

namespace stretto::testing {

// The number of failures.
int run_tensor_cores(const CudaTable& table, const Place& place, int calls, std::uint64_t seed);

}  // namespace stretto::testing
