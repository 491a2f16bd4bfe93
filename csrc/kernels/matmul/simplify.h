// The same product with fewer and longer loops; no element's sum changes.
#pragma once

#include "kernels/matmul/matmul.h"

namespace stretto {

// Batch axes that lie together in memory become one; a batch of a that shares b becomes more rows; a result
// of one column becomes one row, if a and b may change places.
MatmulArgs simplified(const MatmulArgs& args, bool may_transpose = true);

}  // namespace stretto
