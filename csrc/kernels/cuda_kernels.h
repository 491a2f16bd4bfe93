// The functions that the entries of the CUDA table point to, named after them.
#pragma once

#include "kernels/activation.h"
#include "kernels/cuda_table.h"

namespace stretto {

const char* cuda_copy(const ArrayView& from, const ArrayView& to);
const char* cuda_fill(const void* element, const ArrayView& to);
const char* cuda_elementwise(const ElementwiseArgs& args);
const char* cuda_activation(const ArrayView& view, Activation activation, double parameter);  // in place
const char* cuda_matmul(const MatmulArgs& args);
const char* cuda_conv(const ConvArgs& args);
const char* cuda_conv_transpose(const ConvTransposeArgs& args);
const char* cuda_conv_weight_gradient(const ConvWeightGradientArgs& args);
const char* cuda_pool(const PoolArgs& args);
const char* cuda_pool_gradient(const PoolGradientArgs& args);
const char* cuda_reduce(const ReduceArgs& args);
const char* cuda_normalize(const NormalizeArgs& args);
const char* cuda_softmax_rows(const ArrayView& rows);  // of a matrix, in place
const char* cuda_vecdot(const VecdotArgs& args);
const char* cuda_batch_scale(const ArrayView& gamma, const ArrayView& beta, const ArrayView& mean,
                             const ArrayView& var, double eps, void* scale, void* shift, const Place& place);
const char* cuda_attention(const AttentionArgs& args, const Place& place);
const char* cuda_upsample(const UpsampleByRules& args, Upsampling kind, const Place& place);
const char* cuda_take(const TakeArgs& args, const Place& place);
const char* cuda_take_gradient(const TakeArgs& args, const Place& place);

}  // namespace stretto
