// The products of matmul by warpgroups.
#include "kernels/matmul/matrices_cuda.h"
#include "kernels/tile/warpgroup_cuda.h"

namespace stretto {

template void run_warpgroups(const Place&, const char*, const MatrixFactor<>&, const MatrixFactor<>&,
                             TensorKind, int, int, std::int64_t, const MatrixResults&, std::int64_t);

}  // namespace stretto
