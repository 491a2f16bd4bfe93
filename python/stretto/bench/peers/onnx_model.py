"""One-node ONNX models of the cases, for the peers that read them; the weight of a convolution is a constant."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from stretto.bench.cases import Case
from stretto.bench.peers import UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]

OPSET = 17
IR_VERSION = 8  # the one of the opset, so that older runtimes read it
_TYPES = {
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
}


def model_of(case: Case, arrays: list[Array]) -> tuple[bytes, dict[str, Array]]:
    """Serialised model, and the inputs that it is fed."""
    if case.group not in ("bmm", "conv", "overhead"):
        raise UnsupportedError("only products and convolutions are compared with ONNX models")
    dtype = arrays[0].dtype.name
    if dtype not in _TYPES:
        raise UnsupportedError(f"{dtype} is not compared with ONNX models")
    constants: list[Any] = []
    if case.group == "conv":
        feeds = {"x": arrays[0]}
        constants = [numpy_helper.from_array(arrays[1], "w")]
        rank = arrays[0].ndim - 2
        options = case.options
        node = helper.make_node(
            "Conv",
            ["x", "w"],
            ["y"],
            kernel_shape=list(arrays[1].shape[2:]),
            strides=[options["stride"]] * rank,
            pads=[options["padding"]] * (2 * rank),
            dilations=[options["dilation"]] * rank,
            group=options["groups"],
        )
    else:
        feeds = {"a": arrays[0], "b": arrays[1]}
        node = helper.make_node("MatMul", ["a", "b"], ["y"])
    graph = helper.make_graph(
        [node],
        case.name,
        [helper.make_tensor_value_info(name, _TYPES[dtype], list(array.shape)) for name, array in feeds.items()],
        [helper.make_tensor_value_info("y", _TYPES[dtype], list(case.out_shape))],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return model.SerializeToString(), feeds
