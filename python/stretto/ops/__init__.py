"""The functions on arrays: one thin call each into the compiled ops."""

from __future__ import annotations

from stretto.ops.conv import conv1d, conv2d, conv3d
from stretto.ops.conv_input_gradient import conv1d_input_gradient, conv2d_input_gradient, conv3d_input_gradient
from stretto.ops.conv_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from stretto.ops.conv_weight_gradient import conv1d_weight_gradient, conv2d_weight_gradient, conv3d_weight_gradient
from stretto.ops.matmul import matmul
from stretto.ops.prepare import prepare
from stretto.ops.shape import concat, embedding, flatten, pad, reshape, split, take, take_gradient, transpose

__all__ = [
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
    "embedding",
    "flatten",
    "matmul",
    "pad",
    "prepare",
    "reshape",
    "split",
    "take",
    "take_gradient",
    "transpose",
]
