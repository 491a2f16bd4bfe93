"""The functions on arrays: one thin call each into the compiled ops."""

from __future__ import annotations

from stretto.ops.matmul import matmul
from stretto.ops.prepare import prepare
from stretto.ops.shape import concat, embedding, flatten, pad, reshape, split, take, take_gradient, transpose

__all__ = [
    "concat",
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
