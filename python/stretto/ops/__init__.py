"""The functions on arrays: one thin call each into the compiled ops."""

from __future__ import annotations

from stretto.ops.activation import activation_gradient, elu, gelu, sigmoid, silu, softplus
from stretto.ops.adaptive_avg_pool import adaptive_avg_pool2d, adaptive_avg_pool2d_gradient
from stretto.ops.arithmetic import add, div, mul, pow, sub
from stretto.ops.attention import attention
from stretto.ops.avg_pool import avg_pool1d, avg_pool2d, avg_pool3d, global_avg_pool
from stretto.ops.avg_pool_gradient import (
    avg_pool1d_gradient,
    avg_pool2d_gradient,
    avg_pool3d_gradient,
    global_avg_pool_gradient,
)
from stretto.ops.conv import conv1d, conv2d, conv3d
from stretto.ops.conv_input_gradient import conv1d_input_gradient, conv2d_input_gradient, conv3d_input_gradient
from stretto.ops.conv_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from stretto.ops.conv_weight_gradient import conv1d_weight_gradient, conv2d_weight_gradient, conv3d_weight_gradient
from stretto.ops.elementwise import abs, erf, exp, log, neg, sqrt, tanh
from stretto.ops.matmul import matmul
from stretto.ops.max_pool import global_max_pool, max_pool1d, max_pool2d, max_pool3d
from stretto.ops.max_pool_gradient import (
    global_max_pool_gradient,
    max_pool1d_gradient,
    max_pool2d_gradient,
    max_pool3d_gradient,
)
from stretto.ops.normalize import batch_norm, batch_norm_scale, group_norm, layer_norm, rms_norm
from stretto.ops.normalize_gradient import (
    batch_norm_gradient,
    group_norm_gradient,
    layer_norm_gradient,
    rms_norm_gradient,
)
from stretto.ops.pick import clip, maximum, minimum, where
from stretto.ops.piecewise import hard_sigmoid, hard_swish, leaky_relu, relu, relu6
from stretto.ops.prepare import prepare
from stretto.ops.reduce import argmax, max, mean, min, sum, var
from stretto.ops.shape import concat, flatten, pad, reshape, split, transpose
from stretto.ops.softmax import log_softmax, softmax
from stretto.ops.softmax_gradient import log_softmax_gradient, softmax_gradient
from stretto.ops.take import embedding, take, take_gradient
from stretto.ops.upsample import upsample2d, upsample2d_gradient
from stretto.ops.vecdot import vecdot

__all__ = [
    "abs",
    "activation_gradient",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_gradient",
    "add",
    "argmax",
    "attention",
    "avg_pool1d",
    "avg_pool1d_gradient",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "avg_pool3d",
    "avg_pool3d_gradient",
    "batch_norm",
    "batch_norm_gradient",
    "batch_norm_scale",
    "clip",
    "concat",
    "conv1d",
    "conv1d_input_gradient",
    "conv1d_weight_gradient",
    "conv2d",
    "conv2d_input_gradient",
    "conv2d_weight_gradient",
    "conv3d",
    "conv3d_input_gradient",
    "conv3d_weight_gradient",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "div",
    "elu",
    "embedding",
    "erf",
    "exp",
    "flatten",
    "gelu",
    "global_avg_pool",
    "global_avg_pool_gradient",
    "global_max_pool",
    "global_max_pool_gradient",
    "group_norm",
    "group_norm_gradient",
    "hard_sigmoid",
    "hard_swish",
    "layer_norm",
    "layer_norm_gradient",
    "leaky_relu",
    "log",
    "log_softmax",
    "log_softmax_gradient",
    "matmul",
    "max",
    "max_pool1d",
    "max_pool1d_gradient",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_pool3d",
    "max_pool3d_gradient",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "neg",
    "pad",
    "pow",
    "prepare",
    "relu",
    "relu6",
    "reshape",
    "rms_norm",
    "rms_norm_gradient",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_gradient",
    "softplus",
    "split",
    "sqrt",
    "sub",
    "sum",
    "take",
    "take_gradient",
    "tanh",
    "transpose",
    "upsample2d",
    "upsample2d_gradient",
    "var",
    "vecdot",
    "where",
]
