// Pooling of small maps, whose rows are too short for loops of their own.
#pragma once

#include "kernels/pool/pool.h"

namespace stretto::STRETTO_ISA {

// False, and nothing done, where it is not for these arguments.
bool max_of_small_maps(const PoolArgs& args, int threads);

}  // namespace stretto::STRETTO_ISA
