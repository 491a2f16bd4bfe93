// The products of convolutions and of weight gradients by warpgroups.
#include "kernels/conv/tensor_patches_cuda.h"
#include "kernels/tile/warpgroup_cuda.h"

namespace stretto {

template void run_warpgroups(const Place&, const char*, const MatrixFactor<Neighbours::along_k>&,
                             const PatchFactor<true>&, TensorKind, int, int, std::int64_t,
                             const PatchResults&, std::int64_t);
template void run_warpgroups(const Place&, const char*, const MatrixFactor<Neighbours::across_k>&,
                             const PatchFactor<false>&, TensorKind, int, int, std::int64_t,
                             const GradientResults&, std::int64_t);

}  // namespace stretto
