// Products and convolutions on an imitation of tensor cores, against exact sums; and that no bit of a row or
// a sample depends on others.
#pragma once

#include <cstdint>

#include "base/place.h"
#include "kernels/cuda_table.h"

namespace stretto::testing {

// The number of failures.
int run_tensor_cores(const CudaTable& table, const Place& place, int calls, std::uint64_t seed);
int run_tensor_convolutions(int calls, std::uint64_t seed);

// Which instructions call `number` of a test takes, and when its copies are made; and whether float32 factors
// are cut off to TF32 by these, not rounded.
void choose_tensor_cores(int number);
bool has_cut_factors();

}  // namespace stretto::testing
