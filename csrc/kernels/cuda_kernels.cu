#include "kernels/cuda_kernels.h"

#include "cuda/launch.h"
#include "cuda/recorded.h"

namespace stretto {

extern const CudaTable kCudaKernels;
const CudaTable kCudaKernels = {
    .version = kCudaTableVersion,
    .unavailable = no_device,
    .copy = cuda_copy,
    .elementwise = cuda_elementwise,
    .matmul = cuda_matmul,
    .conv = cuda_conv,
    .conv_transpose = cuda_conv_transpose,
    .conv_weight_gradient = cuda_conv_weight_gradient,
    .pool = cuda_pool,
    .pool_gradient = cuda_pool_gradient,
    .reduce = cuda_reduce,
    .normalize = cuda_normalize,
    .vecdot = cuda_vecdot,
    .batch_scale = cuda_batch_scale,
    .attention = cuda_attention,
    .upsample = cuda_upsample,
    .take = cuda_take,
    .take_gradient = cuda_take_gradient,
    .fill = cuda_fill,
    .new_recording = []() -> Recording* { return new_recorded_launches(); },
};

}  // namespace stretto
