"""A call or two of every op: shapes of the inputs (None: absent, "i": indices, "b": bools) and attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
from ml_dtypes import bfloat16

FLOATS = ("f4", "f8", "f2", bfloat16)
WIDE = ("f4", "f8")
INTEGERS = ("i1", "i4", "i8")
X2, X1, X3 = (3, 4, 9, 7), (2, 3, 11), (2, 2, 5, 6, 4)
EPILOGUE = ((5,), (5,), (5,))

Case = tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...]]
CASES: dict[str, list[Case]] = {
    "matmul": [
        (((3, 5, 8), (8, 6), (6,), None, None, None), {"activation": "gelu"}, FLOATS),
        (((4, 1, 5, 7), (2, 7, 3), (3,), (3,), (3,), (4, 2, 5, 3)), {"activation": ("leaky_relu", 0.1)}, WIDE),
        (((7,), (2, 7, 4), None, None, None, None), {}, ("f4", *INTEGERS)),
        (((5, 7), (7,), None, None, None, None), {"dtype": "float64"}, ("f4", "i1")),
    ],
    "vecdot": [(((3, 1, 20), (4, 20)), {}, FLOATS), (((5, 3), (5, 1)), {"axis": 0}, ("f4", "i4"))],
    "reshape": [(((4, 6, 2),), {"shape": (8, -1)}, ("f4", "i2"))],
    "flatten": [((X2,), {}, ("f4",))],
    "transpose": [(((4, 6, 2),), {"axes": (2, 0, 1)}, ("f4", "f2", "i1"))],
    "slice": [(((9, 8),), {"start": (1, -1), "stop": (9, -(2**63 - 1)), "step": (3, -2)}, ("f4",))],
    "split": [(((6, 4),), {"sections": 3}, ("f4",)), (((6, 5),), {"axis": 1, "indices": (2, 3)}, ("f8",))],
    "concat": [(((3, 4), (2, 4), (5, 4)), {}, ("f4", "i4"))],
    "pad": [(((3, 4),), {"pad_width": ((1, 2), (0, 3)), "value": 1.5}, ("f4", bfloat16))],
    "take": [(((5, 6, 3), ("i", (2, 4), 6)), {"axis": 1}, ("f4", "i2", bfloat16))],
    "take_gradient": [(((5, 2, 4, 3), ("i", (2, 4), 6), (5, 6, 3)), {"axis": 1}, ("f4", "f2"))],
    "upsample2d": [
        (((2, 3, 4, 5),), {"scale_factor": 2}, ("f4", "i1")),
        (((2, 4, 5, 3),), {"size": (7, 11), "mode": "bilinear", "layout": "NHWC"}, ("f4", "f8", "f2")),
    ],
    "upsample2d_gradient": [
        (((2, 3, 8, 10), (2, 3, 4, 5)), {"scale_factor": 2}, ("f4",)),
        (((2, 3, 7, 11), (2, 3, 4, 5)), {"size": (7, 11), "mode": "bilinear"}, WIDE),
    ],
    "activation_gradient": [(((4, 5), (4, 5)), {"activation": "gelu"}, FLOATS)],
    "where": [((("b", (4, 1)), (4, 5), (5,)), {}, ("f4", "i8"))],
    "clip": [(((4, 5), (5,), None), {}, ("f4",)), (((4, 5), (), ()), {}, ("f8", "i4"))],
    "pow": [(((4, 5), (5,)), {}, WIDE)],
    "div": [(((4, 5), (5,)), {}, ("f4", "f2", "i4"))],
    "sub": [(((4, 5), (4, 1)), {}, FLOATS)],
    "attention": [
        (((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6), None), {"causal": True}, ("f4", "f8")),
        (((2, 3, 5, 4), (3, 7, 4), (2, 1, 7, 6), ("b", (5, 7))), {}, ("f4", "f2")),
        (((5, 4), (7, 4), (7, 6), (5, 7)), {"scale": 0.5}, ("f4", bfloat16)),
    ],
    "softmax": [(((3, 40),), {}, FLOATS), (((3, 4, 5),), {"axis": (0, 2)}, ("f4",))],
    "log_softmax": [(((3, 40),), {}, FLOATS), (((3, 4, 5),), {"axis": 1}, ("f8",))],
    "layer_norm": [(((3, 4, 6), (4, 6), (4, 6)), {"dims": 2, "eps": 1e-3}, FLOATS), (((3, 6), None, None), {}, WIDE)],
    "rms_norm": [(((3, 4, 6), (6,)), {}, FLOATS)],
    "batch_norm": [
        ((X2, (4,), (4,), (4,), ("p", (4,))), {}, FLOATS),
        (((3, 9, 7, 4), None, None, (4,), ("p", (4,))), {"layout": "NHWC"}, WIDE),
    ],
    "batch_norm_scale": [
        (((4,), (4,), (4,), ("p", (4,))), {"eps": 1e-3}, WIDE),
        ((None, None, (4,), ("p", (4,))), {}, ("f4",)),
    ],
    "group_norm": [((X2, (4,), (4,)), {"groups": 2}, FLOATS)],
    "softmax_gradient": [(((3, 8), (3, 8)), {}, FLOATS)],
    "log_softmax_gradient": [(((3, 8), (3, 8)), {}, FLOATS)],
    "layer_norm_gradient": [(((9, 4, 6), (9, 4, 6), (4, 6)), {"dims": 2, "grain": 2}, ("f4", "f2"))],
    "rms_norm_gradient": [(((9, 6), (9, 6), (6,)), {"grain": 2}, WIDE)],
    "batch_norm_gradient": [((X2, X2, (4,), (4,), ("p", (4,))), {}, ("f4", bfloat16))],
    "group_norm_gradient": [((X2, X2, (4,)), {"groups": 2}, ("f4",))],
    "adaptive_avg_pool2d": [((X2,), {"output_size": (4, 3)}, ("f4", "f2"))],
    "adaptive_avg_pool2d_gradient": [(((3, 4, 4, 3), X2), {"output_size": (4, 3)}, ("f4",))],
}
for _name in ("add", "mul", "maximum", "minimum"):
    CASES[_name] = [(((4, 5), (5,)), {}, (*FLOATS, *INTEGERS)), (((3, 1, 5), (4, 1)), {}, ("f4",))]
for _name in (
    "relu", "relu6", "leaky_relu", "elu", "sigmoid", "hard_sigmoid", "hard_swish", "tanh", "gelu", "gelu_tanh", "silu",
    "softplus", "exp", "log", "sqrt", "erf", "abs", "neg",
):  # fmt: skip
    CASES[_name] = [(((6, 7),), {}, (*FLOATS, "i4"))]
for _name in ("sum", "mean", "max", "min", "var", "argmax"):
    CASES[_name] = [(((6, 7, 3),), {"axis": 1, "keepdims": True}, (*FLOATS, "i4")), (((6, 700),), {}, ("f4",))]
for _axes, _x, _w in ((1, X1, (5, 3, 3)), (2, X2, (5, 4, 3, 3)), (3, X3, (5, 2, 3, 3, 3))):
    _size = _x[2:]
    _out = tuple((n + 2 - 3) // 2 + 1 for n in _size)
    _options = {"stride": 2, "padding": 1}
    CASES[f"conv{_axes}d"] = [
        ((_x, _w, *EPILOGUE, None), {**_options, "activation": "relu"}, FLOATS),
        ((_x, (2 * _x[1], 1, *_w[2:]), None, None, None, None), {"groups": _x[1], "padding": "same"}, WIDE),
    ]
    CASES[f"conv_transpose{_axes}d"] = [((_x, (_x[1], 5, *_w[2:]), (5,), None, None, None), _options, FLOATS)]
    CASES[f"conv{_axes}d_input_gradient"] = [(((_x[0], 5, *_out), _w), {**_options, "input_shape": _x}, ("f4", "f2"))]
    CASES[f"conv{_axes}d_weight_gradient"] = [
        ((_x, (_x[0], 5, *_out)), {**_options, "weight_shape": _w, "grain": 2}, ("f4", bfloat16))
    ]
    _pooled = tuple((n - 2) // 2 + 1 for n in _size)
    for _kind in ("max", "avg"):
        CASES[f"{_kind}_pool{_axes}d"] = [((_x,), {"kernel_size": 2}, FLOATS)]
        CASES[f"{_kind}_pool{_axes}d_gradient"] = [(((*_x[:2], *_pooled), _x), {"kernel_size": 2}, ("f4", "f2"))]
for _kind in ("max", "avg"):
    CASES[f"global_{_kind}_pool"] = [((X2,), {}, FLOATS)]
    CASES[f"global_{_kind}_pool_gradient"] = [(((3, 4, 1, 1), X2), {}, ("f4", "f8"))]


def draw(rng: np.random.Generator, shape: Any, dtype: Any) -> np.ndarray | None:
    """An input of a case."""
    if shape is None:
        return None
    if shape and shape[0] == "i":
        return rng.integers(-shape[2], shape[2], shape[1])
    if shape and shape[0] == "b":
        return rng.random(shape[1]) < 0.5
    if shape and shape[0] == "p":
        return (rng.random(shape[1]) + 0.5).astype(dtype)
    if np.dtype(dtype).kind == "i":
        return rng.integers(0, 9, shape).astype(dtype)
    return np.asarray(rng.standard_normal(shape)).astype(dtype)
