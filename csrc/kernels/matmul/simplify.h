// The same product with fewer and longer loops; no element's sum changes.
#pragma once

#include "kernels/matmul/matmul.h"

namespace stretto {

// Batch axes that lie together in memory become one; a batch of a that shares b becomes more rows; a result
// of one column, or of at most so many where a is large, becomes one of rows: a and b change places, also
// where all of a, b and the result lie as columns. 0: they may not.
MatmulArgs simplified(const MatmulArgs& args, int most_columns = 1);

}  // namespace stretto
