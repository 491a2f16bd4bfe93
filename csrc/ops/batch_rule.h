// The batch rule that element-wise ops share.
#pragma once

#include "ops/op.h"

namespace stretto {

// The output's batch axis where every input that carries one has it at the same place counted from the last
// axis, and every other input repeats along it; else kMixesSamples. `rank` is the output's.
int broadcast_batch(const Types& inputs, const std::vector<int>& axes, int rank);

}  // namespace stretto
