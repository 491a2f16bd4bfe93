"""Inputs of a case, its result in float64, and the bound that a peer's result must keep."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np

from stretto.bench.cases import Case
from stretto.bench.peers import UnsupportedError, numpy_peer

Array = np.ndarray[Any, np.dtype[Any]]

# Unit roundoff times two of each dtype; what a 16-bit result may be off by its last rounding.
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def inputs_of(case: Case, dtype: str) -> list[Array]:
    """Standard normal arrays, a function of the case's name only; bfloat16 values are held as float32."""
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    arrays = [rng.standard_normal(shape) for shape in case.shapes]
    if case.op == "batch_norm":
        arrays[2] = np.abs(arrays[2]) + 0.5  # a variance
    if dtype == "bfloat16":
        return [_to_bfloat16_values(array) for array in arrays]
    return [array.astype(dtype) for array in arrays]


def _to_bfloat16_values(array: Array) -> Array:
    """Float32 values with the lower half of their bits cut off, which bfloat16 holds exactly."""
    bits = array.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return np.asarray(bits.view(np.float32))


def truth_of(case: Case, arrays: list[Array]) -> Array:
    """Result in float64 arithmetic by NumPy."""
    wide = [array.astype(np.float64) for array in arrays]
    if case.op == "matmul":
        return np.asarray(np.matmul(*wide))
    if case.group == "conv":
        return _convolution(case, *wide)
    if case.group == "conv_transpose":
        return _transposed_convolution(case, *wide)
    if case.op == "erf":
        return _erf(wide[0])
    if case.op == "gelu":
        return np.asarray(wide[0] * (1 + _erf(wide[0] / math.sqrt(2))) / 2)
    try:
        return np.asarray(numpy_peer.prepare("numpy", case, wide, 1).result())
    except UnsupportedError as reason:
        raise KeyError(f"{case.name}: no float64 truth of {case.op}") from reason


def _erf(x: Array) -> Array:
    return np.array([math.erf(v) for v in x.ravel().tolist()]).reshape(x.shape)


def _convolution(case: Case, x: Array, w: Array) -> Array:
    """Sum over the taps of products over the channels."""
    stride, padding, dilation, groups = (case.options[key] for key in ("stride", "padding", "dilation", "groups"))
    space = case.out_shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), *[(padding, padding)] * len(space)))
    n, o = x.shape[0], w.shape[0]
    total = np.zeros((n, groups, o // groups, math.prod(space)))
    for tap in np.ndindex(*w.shape[2:]):
        window = tuple(
            slice(t * dilation, t * dilation + stride * (size - 1) + 1, stride)
            for t, size in zip(tap, space, strict=True)
        )
        patch = x[(slice(None), slice(None), *window)].reshape(n, groups, x.shape[1] // groups, -1)
        weights = w[(slice(None), slice(None), *tap)].reshape(1, groups, o // groups, w.shape[1])
        total += np.matmul(weights, patch)
    return total.reshape(case.out_shape)


def _transposed_convolution(case: Case, x: Array, w: Array) -> Array:
    """Scatter each tap's products over the outputs that it meets, then cut the padding off."""
    stride, padding, groups = (case.options[key] for key in ("stride", "padding", "groups"))
    n, size, space = x.shape[0], x.shape[2:], case.out_shape[2:]
    full = [max((m - 1) * stride + k, padding + o) for m, k, o in zip(size, w.shape[2:], space, strict=True)]
    total = np.zeros((n, groups, w.shape[1], *full))
    by_group = x.reshape(n, groups, x.shape[1] // groups, -1)
    for tap in np.ndindex(*w.shape[2:]):
        weights = w[(slice(None), slice(None), *tap)].reshape(groups, -1, w.shape[1]).transpose(0, 2, 1)
        window = tuple(slice(t, t + stride * (m - 1) + 1, stride) for t, m in zip(tap, size, strict=True))
        total[(slice(None), slice(None), slice(None), *window)] += np.matmul(weights, by_group).reshape(
            n, groups, w.shape[1], *size
        )
    inside = tuple(slice(padding, padding + o) for o in space)
    return total[(slice(None), slice(None), slice(None), *inside)].reshape(case.out_shape)


def error_of(
    case: Case, arrays: list[Array], truth: Array, result: Array, dtype: str, precision: str = "highest"
) -> tuple[float, float]:
    """Largest error over what is allowed (so at most 1 is right), and the relative error in the 2-norm.

    The rounding errors of a sum of K random terms in any order grow like sqrt(K) units in the last place of its
    typical size; eight times that is allowed. A term left out is off by size / sqrt(K), thousands of times more.
    """
    if result.shape != truth.shape:
        return math.inf, math.inf
    terms = max(case.terms, arrays[0].size // max(truth.size, 1))
    if case.group == "elementwise":
        terms = max(terms, arrays[0].shape[-1])
    size = float(np.sqrt(np.mean(truth * truth)))
    sums = 2.0**-52 if dtype == "float64" else 2.0**-23  # 16-bit peers sum in float32
    if precision == "medium":  # of two parts: what a third one would hold is missing
        sums = max(sums, 2.0**-19)
    allowed = 8 * sums * (math.sqrt(terms) * size + np.abs(truth)) + EPSILON[dtype] * np.abs(truth)
    off = np.abs(result.astype(np.float64) - truth)
    if not np.all(np.isfinite(off)):
        return math.inf, math.inf
    worst = float(np.max(off / np.maximum(allowed, np.finfo(np.float64).tiny)))
    return worst, float(np.linalg.norm(off) / max(float(np.linalg.norm(truth)), 1e-300))
