"""ONNX models of the cases, for the peers that read them; weights and other parameters are constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from stretto.bench.cases import Case
from stretto.bench.peers import UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]

OPSET = 21  # the first whose GroupNormalization has a scale for each channel
IR_VERSION = 10  # the one of the opset, so that older runtimes read it
_TYPES = {
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
}
# Of the element-wise group, those whose name is all that ONNX needs.
_NAMES = {
    "relu": "Relu",
    "exp": "Exp",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "gelu": "Gelu",
    "erf": "Erf",
    "sqrt": "Sqrt",
    "add": "Add",
    "mul": "Mul",
    "global_avg_pool": "GlobalAveragePool",
}


def model_of(case: Case, arrays: list[Array]) -> tuple[bytes, dict[str, Array]]:
    """Serialised model, and the inputs that it is fed."""
    dtype = arrays[0].dtype.name
    if dtype not in _TYPES:
        raise UnsupportedError(f"{dtype} is not compared with ONNX models")
    make = {"conv": _convolution, "conv_transpose": _convolution, "elementwise": _elementwise}.get(case.group, _product)
    nodes, feeds, constants = make(case, arrays)
    graph = helper.make_graph(
        nodes,
        case.name,
        [helper.make_tensor_value_info(name, _TYPES[dtype], list(array.shape)) for name, array in feeds.items()],
        [helper.make_tensor_value_info("y", _TYPES[dtype], list(case.out_shape))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return model.SerializeToString(), feeds


# Nodes from the inputs to y, the inputs and the constants by name.
_Parts = tuple[list[Any], dict[str, Array], dict[str, Array]]


def _product(case: Case, arrays: list[Array]) -> _Parts:
    return [helper.make_node("MatMul", ["a", "b"], ["y"])], dict(zip("ab", arrays, strict=True)), {}


def _convolution(case: Case, arrays: list[Array]) -> _Parts:
    rank = arrays[0].ndim - 2
    options = case.options
    transposed = case.group == "conv_transpose"
    more: dict[str, Any] = {"output_padding": [options["output_padding"]] * rank} if transposed else {}
    node = helper.make_node(
        "ConvTranspose" if transposed else "Conv",
        ["x", "w"],
        ["y"],
        kernel_shape=list(arrays[1].shape[2:]),
        strides=[options["stride"]] * rank,
        pads=[options["padding"]] * (2 * rank),
        dilations=[options.get("dilation", 1)] * rank,
        group=options["groups"],
        **more,
    )
    return [node], {"x": arrays[0]}, {"w": arrays[1]}


def _elementwise(case: Case, arrays: list[Array]) -> _Parts:
    options = case.options
    x, *others = arrays
    if case.op in _NAMES:
        feeds = dict(zip("ab", arrays, strict=False))
        return [helper.make_node(_NAMES[case.op], list(feeds), ["y"])], feeds, {}
    feeds = {"x": x}
    constants: dict[str, Array] = {}
    attributes: dict[str, Any] = {}
    match case.op:
        case "silu":
            gate = helper.make_node("Sigmoid", ["x"], ["gate"])
            return [gate, helper.make_node("Mul", ["x", "gate"], ["y"])], feeds, {}
        case "max_pool2d" | "avg_pool2d":
            kind = "MaxPool" if case.op == "max_pool2d" else "AveragePool"
            attributes = {
                "kernel_shape": [options["kernel_size"]] * 2,
                "strides": [options["stride"]] * 2,
                "pads": [options["padding"]] * 4,
            }
            if kind == "AveragePool":
                attributes["count_include_pad"] = 1
        case "softmax" | "log_softmax":
            kind = "Softmax" if case.op == "softmax" else "LogSoftmax"
            attributes = {"axis": options["axis"]}
        case "sum" | "max":
            kind = "ReduceSum" if case.op == "sum" else "ReduceMax"
            constants = {"axes": np.array([options["axis"]])}
            attributes = {"keepdims": 0}
        case "layer_norm":
            kind, constants = "LayerNormalization", dict(zip(("gamma", "beta"), others, strict=True))
            attributes = {"axis": -1, "epsilon": options["eps"]}
        case "group_norm":
            kind, constants = "GroupNormalization", dict(zip(("gamma", "beta"), others, strict=True))
            attributes = {"num_groups": options["groups"], "epsilon": options["eps"]}
        case "batch_norm":
            mean, variance, gamma, beta = others
            kind, constants = "BatchNormalization", {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
            attributes = {"epsilon": options["eps"]}
        case "transpose":
            kind, attributes = "Transpose", {"perm": options["axes"]}
        case _:
            raise UnsupportedError(f"{case.op} is not compared with ONNX models")
    return [helper.make_node(kind, ["x", *constants], ["y"], **attributes)], feeds, constants
