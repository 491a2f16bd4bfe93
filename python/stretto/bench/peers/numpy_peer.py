"""NumPy, threads pinned by the environment that the worker starts with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stretto.bench.cases import Case
from stretto.bench.peers import Prepared, UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]


def versions(threads: int) -> dict[str, str]:
    """Name NumPy and its BLAS."""
    blas: Any = np.show_config(mode="dicts")
    found = blas["Build Dependencies"]["blas"]
    return {"numpy": np.__version__, "blas": f"{found['name']} {found['version']}"}


def prepare(peer: str, case: Case, arrays: list[Array], threads: int) -> Prepared:
    """Products write into one array; element-wise work is what a NumPy user would write."""
    if arrays[0].dtype.name == "bfloat16":
        raise UnsupportedError("NumPy has no bfloat16")
    if case.group == "bmm":
        a, b = arrays
        out: Array = np.matmul(a, b)
        return Prepared(lambda: np.matmul(a, b, out=out), lambda: out)
    if case.group == "overhead":
        a, b = arrays
        return Prepared(lambda: np.matmul(a, b), lambda: np.matmul(a, b))
    call = _elementwise(case, arrays)
    return Prepared(call, call)


def _elementwise(case: Case, arrays: list[Array]) -> Callable[[], Array]:
    x = arrays[0]
    options = case.options
    one = x.dtype.type(1)
    ufuncs: dict[str, Any] = {"exp": np.exp, "tanh": np.tanh, "add": np.add, "mul": np.multiply, "sqrt": np.sqrt}
    if case.op in ufuncs:
        ufunc, out = ufuncs[case.op], ufuncs[case.op](*arrays)
        return lambda: ufunc(*arrays, out=out)
    axis = options.get("axis")
    simple: dict[str, Callable[[], Array]] = {
        "relu": lambda: np.maximum(x, 0),
        "sigmoid": lambda: one / (one + np.exp(-x)),
        "silu": lambda: x / (one + np.exp(-x)),
        "softmax": lambda: _softmax(x, axis),
        "log_softmax": lambda: _log_softmax(x, axis),
        "layer_norm": lambda: _layer_norm(*arrays, eps=options["eps"]),
        "batch_norm": lambda: _batch_norm(*arrays, eps=options["eps"]),
        "group_norm": lambda: _group_norm(*arrays, groups=options["groups"], eps=options["eps"]),
        "sum": lambda: np.sum(x, axis=axis),
        "max": lambda: np.max(x, axis=axis),
        "max_pool2d": lambda: _pool(x, options, np.maximum, -np.inf),
        "avg_pool2d": lambda: _pool(x, options, np.add, 0.0) / x.dtype.type(options["kernel_size"] ** 2),
        "global_avg_pool": lambda: np.mean(x, axis=(2, 3), keepdims=True),
        "transpose": lambda: np.ascontiguousarray(x.transpose(options["axes"])),
    }
    if case.op not in simple:
        raise UnsupportedError(f"NumPy has no {case.op}")
    return simple[case.op]


def _softmax(x: Array, axis: int | None) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


def _log_softmax(x: Array, axis: int | None) -> Array:
    d = x - np.max(x, axis=axis, keepdims=True)
    return np.asarray(d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True)))


def _layer_norm(x: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    d = x - np.mean(x, axis=-1, keepdims=True)
    return np.asarray(d / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + x.dtype.type(eps)) * gamma + beta)


def _batch_norm(x: Array, mean: Array, variance: Array, gamma: Array, beta: Array, *, eps: float) -> Array:
    scale = gamma / np.sqrt(variance + x.dtype.type(eps))
    shift = beta - mean * scale
    return np.asarray(x * scale[:, None, None] + shift[:, None, None])


def _group_norm(x: Array, gamma: Array, beta: Array, *, groups: int, eps: float) -> Array:
    rows = x.reshape(x.shape[0], groups, -1)
    d = rows - np.mean(rows, axis=-1, keepdims=True)
    y = d / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + x.dtype.type(eps))
    return np.asarray(y.reshape(x.shape) * gamma[:, None, None] + beta[:, None, None])


def _pool(x: Array, options: dict[str, Any], combine: np.ufunc, fill: float) -> Array:
    """Combine strided slices, one for each tap."""
    kernel, stride, padding = options["kernel_size"], options["stride"], options["padding"]
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    rows, columns = ((n - kernel) // stride + 1 for n in x.shape[2:])
    taps = [
        x[:, :, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (columns - 1) + 1 : stride]
        for i in range(kernel)
        for j in range(kernel)
    ]
    out = np.array(taps[0])
    for tap in taps[1:]:
        combine(out, tap, out=out)
    return out
