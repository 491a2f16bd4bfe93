"""The table of ``csrc/capi.h`` through ctypes, called with NumPy arrays of any strides."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from stretto import _core

Array = NDArray[Any]
Strides = POINTER(c_int64)

OK, INVALID, NO_KERNEL, NO_MEMORY = range(4)
ACTIVATIONS = (
    *("none", "relu", "relu6", "leaky_relu", "elu", "sigmoid", "hard_sigmoid", "hard_swish", "tanh", "gelu"),
    *("gelu_tanh", "silu", "softplus"),
)
PRECISIONS = ("highest", "high", "medium")
ELEMENTS = {np.dtype("f4"): "f32", np.dtype("f8"): "f64", np.dtype(ml_dtypes.bfloat16): "bf16"}


class MatmulShape(ctypes.Structure):
    _fields_ = (
        *((name, c_int64) for name in ("batch", "m", "n", "k")),
        *((name, Strides) for name in ("a_strides", "b_strides", "out_strides")),
    )


class ConvShape(ctypes.Structure):
    _fields_ = (
        *((name, c_int32) for name in ("axes", "channels_last")),
        *((name, c_int64) for name in ("samples", "channels", "outputs", "groups")),
        *((name, c_int64 * 3) for name in ("size", "kernel", "stride", "dilation", "before", "after")),
        *((name, Strides) for name in ("x_strides", "w_strides", "out_strides")),
    )


class Options(ctypes.Structure):
    _fields_ = (
        ("size", c_uint64),
        *((name, c_int32) for name in ("activation", "precision")),
        ("parameter", c_double),
        *((name, c_void_p) for name in ("bias", "scale", "shift", "residual")),
        ("residual_strides", Strides),
    )


def function(shape: type[ctypes.Structure]) -> Any:
    return ctypes.CFUNCTYPE(c_int, POINTER(shape), c_void_p, c_void_p, c_void_p, c_int, POINTER(Options))


class Table(ctypes.Structure):
    _fields_ = (
        *((name, c_uint32) for name in ("version", "size")),
        ("error_text", ctypes.CFUNCTYPE(c_char_p)),
        *((f"matmul_{element}", function(MatmulShape)) for element in ELEMENTS.values()),
        *((f"conv_{element}", function(ConvShape)) for element in ELEMENTS.values()),
    )


def address() -> int:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = c_void_p, [ctypes.py_object, c_char_p]
    return pointer(_core.capi, b"stretto._core.capi")


TABLE = Table.from_address(address())


def error_text() -> str:
    return TABLE.error_text().decode()


def strides_of(array: Array) -> Any:
    return (c_int64 * array.ndim)(*(stride // array.itemsize for stride in array.strides))


def matmul_shape(a: Array, b: Array, out: Array) -> MatmulShape:
    batch, m, k = a.shape
    return MatmulShape(batch, m, b.shape[2], k, strides_of(a), strides_of(b), strides_of(out))


def conv_shape(x: Array, w: Array, out: Array, layout: str = "NCHW", groups: int = 0, **geometry: Any) -> ConvShape:
    axes = x.ndim - 2
    last = layout == "NHWC"
    shape = ConvShape(axes, last, x.shape[0], x.shape[-1 if last else 1], w.shape[0], groups)
    sizes = {"size": x.shape[1:-1] if last else x.shape[2:], "kernel": w.shape[2:], **geometry}
    for name, values in sizes.items():
        getattr(shape, name)[:axes] = values
    for name, array in (("x", x), ("w", w), ("out", out)):
        setattr(shape, f"{name}_strides", strides_of(array))
    return shape


def options(activation: Any = "none", precision: str = "highest", **terms: Array) -> Options:
    name, parameter = (activation, 0.0) if isinstance(activation, str) else activation
    made = Options(ctypes.sizeof(Options), ACTIVATIONS.index(name), PRECISIONS.index(precision), parameter)
    for term, array in terms.items():
        setattr(made, term, array.ctypes.data)
        if term == "residual":
            made.residual_strides = strides_of(array)
    return made


def call(
    op: str, shape: Any, first: Array, second: Array, out: Array, how: Options | None = None, threads: int = 0
) -> int:
    pointers = (array.ctypes.data for array in (first, second, out))
    return getattr(TABLE, f"{op}_{ELEMENTS[out.dtype]}")(shape, *pointers, threads, how)
