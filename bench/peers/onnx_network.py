"""ONNX models of the suite's networks: a node or a few for each step, parameters as initializers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from stretto.bench.peers import UnsupportedError

from bench.peers.graph import Graph, Node

Array = np.ndarray[Any, np.dtype[Any]]

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # the one of the opset, so that older runtimes read it

ACTIVATIONS = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "gelu": "Gelu",
    "hard_swish": "HardSwish",
    "softplus": "Softplus",
}
ELEMENTWISE = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min"}


class Writer:
    """Collects nodes and initializers; a value of the graph keeps one name."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Any] = []
        self.initializers = [numpy_helper.from_array(array, _name(i)) for i, array in graph.arrays.items()]
        self._made = 0

    def constant(self, values: Any, dtype: type = np.int64) -> str:
        """The name of a new initializer."""
        name = self._new_name()
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def emit(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output; its name."""
        output = output or self._new_name()
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def finish(self, op: str, y: str, node: Node, residual: int | None) -> None:
        """Residual and activation of a product, under the name of the node's output."""
        if residual is not None:
            y = self.emit("Add", [y, _name(residual)])
        activation = node.attributes.get("activation")
        if activation is not None:
            y = self.activate(op, activation, y)
        self.emit("Identity", [y], _name(node.outputs[0]))  # only a name: the runtimes drop it

    def activate(self, op: str, activation: Any, y: str) -> str:
        """An activation of the epilogue."""
        name, parameter = (activation, 0.0) if isinstance(activation, str) else activation
        if name in ACTIVATIONS:
            return self.emit(ACTIVATIONS[name], [y])
        if name == "relu6":
            return self.emit("Clip", [y, self.constant(0, np.float32), self.constant(6, np.float32)])
        if name == "silu":
            return self.emit("Mul", [y, self.emit("Sigmoid", [y])])
        if name == "leaky_relu":
            return self.emit("LeakyRelu", [y], alpha=float(parameter))
        raise UnsupportedError(f"{op}: no ONNX form of the activation {name}")

    def _new_name(self) -> str:
        self._made += 1
        return f"made{self._made}"


def _name(value: int) -> str:
    return f"value{value}"


def _plain_epilogue(node: Node) -> None:
    if node.input(3) is not None:
        raise UnsupportedError(f"{node.op}: no ONNX form of scale and shift")


def _window(node: Node, rank: int) -> dict[str, Any]:
    """Strides, dilations and pads."""
    options = node.attributes
    if options.get("layout", "NCHW") != "NCHW" or options.get("ceil_mode"):
        raise UnsupportedError(f"{node.op}: only channels first, and no ceil_mode")
    padding = options.get("padding", 0)
    if isinstance(padding, str):
        raise UnsupportedError(f"{node.op}: no ONNX form of padding={padding!r}")
    pads = [side if isinstance(side, (list, tuple)) else (side, side) for side in _each(padding, rank)]
    return {
        "strides": _each(options.get("stride") or options.get("kernel_size") or 1, rank),
        "dilations": _each(options.get("dilation", 1), rank),
        "pads": [before for before, _ in pads] + [after for _, after in pads],
    }


def _each(value: Any, rank: int) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * rank


def _conv(w: Writer, node: Node, kind: str) -> None:
    _plain_epilogue(node)
    weight = w.graph.shapes[node.inputs[1] or 0]
    rank = len(weight) - 2
    operands = [_name(i) for i in node.inputs[:3] if i is not None]
    options = _window(node, rank) | {"kernel_shape": list(weight[2:]), "group": node.attributes.get("groups", 1)}
    if kind == "ConvTranspose":
        options["output_padding"] = _each(node.attributes.get("output_padding", 0), rank)
    w.finish(node.op, w.emit(kind, operands, **options), node, node.input(5))


def _matmul(w: Writer, node: Node) -> None:
    _plain_epilogue(node)
    a, b, bias = node.inputs[0], node.inputs[1], node.input(2)
    shapes = w.graph.shapes
    operands = [_name(i) for i in (a, b) if i is not None]
    if bias is not None and len(shapes[a or 0]) == len(shapes[b or 0]) == 2:
        y = w.emit("Gemm", [*operands, _name(bias)])
    else:
        y = w.emit("MatMul", operands)
        y = y if bias is None else w.emit("Add", [y, _name(bias)])
    w.finish(node.op, y, node, node.input(5))


def _pool(w: Writer, node: Node, kind: str) -> None:
    rank = int(node.op[-2])
    options = _window(node, rank) | {"kernel_shape": _each(node.attributes["kernel_size"], rank)}
    if kind == "AveragePool":
        options["count_include_pad"] = int(node.attributes.get("count_include_pad", True))
    w.emit(kind, [_name(node.inputs[0] or 0)], _name(node.outputs[0]), **options)


def _global_average(w: Writer, node: Node) -> None:
    x, y = _name(node.inputs[0] or 0), _name(node.outputs[0])
    if node.attributes.get("keepdims", True):
        w.emit("GlobalAveragePool", [x], y)
    else:
        shape = w.constant(w.graph.shapes[node.outputs[0]])
        w.emit("Reshape", [w.emit("GlobalAveragePool", [x]), shape], y)


def _attention(w: Writer, node: Node) -> None:
    if node.input(3) is not None or node.attributes.get("causal"):
        raise UnsupportedError("attention: no ONNX form of mask and causal")
    q, k, v = (i or 0 for i in node.inputs[:3])
    rank = len(w.graph.shapes[k])
    swapped = [*range(rank - 2), rank - 1, rank - 2]
    scale = node.attributes.get("scale") or 1 / math.sqrt(w.graph.shapes[q][-1])
    scores = w.emit("MatMul", [_name(q), w.emit("Transpose", [_name(k)], perm=swapped)])
    scores = w.emit("Mul", [scores, w.constant(scale, np.float32)])
    w.emit("MatMul", [w.emit("Softmax", [scores], axis=-1), _name(v)], _name(node.outputs[0]))


def _reshape(w: Writer, node: Node) -> None:
    shape = w.constant(w.graph.shapes[node.outputs[0]])
    w.emit("Reshape", [_name(node.inputs[0] or 0), shape], _name(node.outputs[0]))


def _transpose(w: Writer, node: Node) -> None:
    rank = len(w.graph.shapes[node.inputs[0] or 0])
    axes = node.attributes.get("axes") or list(range(rank))[::-1]
    w.emit("Transpose", [_name(node.inputs[0] or 0)], _name(node.outputs[0]), perm=list(axes))


def _split(w: Writer, node: Node) -> None:
    axis = node.attributes.get("axis", 0)
    sizes = w.constant([w.graph.shapes[i][axis] for i in node.outputs])
    names = [_name(i) for i in node.outputs]
    w.nodes.append(helper.make_node("Split", [_name(node.inputs[0] or 0), sizes], names, axis=axis))


def _simple(kind: str, *, attributes: tuple[str, ...] = ()) -> Callable[[Writer, Node], None]:
    """An op whose operands and results are ONNX's; some attributes have the same name."""

    def write(w: Writer, node: Node) -> None:
        options = {key: node.attributes[key] for key in attributes if key in node.attributes}
        w.emit(kind, [_name(i) for i in node.inputs if i is not None], _name(node.outputs[0]), **options)

    return write


def _sum(w: Writer, node: Node) -> None:
    axes = _each(node.attributes["axis"], 1)
    keepdims = int(node.attributes.get("keepdims", False))
    w.emit("ReduceSum", [_name(node.inputs[0] or 0), w.constant(axes)], _name(node.outputs[0]), keepdims=keepdims)


def _softmax(w: Writer, node: Node) -> None:
    axis = node.attributes.get("axis", -1)
    if not isinstance(axis, int):
        raise UnsupportedError("softmax: no ONNX form of several axes")
    w.emit("Softmax", [_name(node.inputs[0] or 0)], _name(node.outputs[0]), axis=axis)


def _layer_norm(w: Writer, node: Node) -> None:
    inputs = [_name(i) for i in node.inputs if i is not None]
    axis = -int(node.attributes.get("dims", 1))
    w.emit("LayerNormalization", inputs, _name(node.outputs[0]), axis=axis, epsilon=node.attributes["eps"])


def _batch_norm(w: Writer, node: Node) -> None:
    inputs = [_name(i) for i in node.inputs if i is not None]
    w.emit("BatchNormalization", inputs, _name(node.outputs[0]), epsilon=node.attributes["eps"])


OPS: dict[str, Callable[[Writer, Node], None]] = {
    **{f"conv{rank}d": lambda w, node: _conv(w, node, "Conv") for rank in (1, 2, 3)},
    **{f"conv_transpose{rank}d": lambda w, node: _conv(w, node, "ConvTranspose") for rank in (1, 2, 3)},
    **{f"max_pool{rank}d": lambda w, node: _pool(w, node, "MaxPool") for rank in (1, 2, 3)},
    **{f"avg_pool{rank}d": lambda w, node: _pool(w, node, "AveragePool") for rank in (1, 2, 3)},
    **{name: _simple(kind) for name, kind in (ACTIVATIONS | ELEMENTWISE).items()},
    "concat": _simple("Concat", attributes=("axis",)),
    "matmul": _matmul,
    "global_avg_pool": _global_average,
    "attention": _attention,
    "reshape": _reshape,
    "flatten": _reshape,
    "transpose": _transpose,
    "split": _split,
    "sum": _sum,
    "softmax": _softmax,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
}


def model_of(graph: Graph) -> bytes:
    """The serialised model; inputs and outputs are named by their values.

    Raises
    ------
    UnsupportedError
        If a step has no ONNX form here; the text names the op.
    """
    writer = Writer(graph)
    for node in graph.nodes:
        if node.op not in OPS:
            raise UnsupportedError(f"{node.op}: no ONNX form of this op")
        OPS[node.op](writer, node)

    def described(values: tuple[int, ...]) -> list[Any]:
        return [helper.make_tensor_value_info(_name(i), TensorProto.FLOAT, graph.shapes[i]) for i in values]

    made = helper.make_graph(
        writer.nodes, "network", described(graph.inputs), described(graph.outputs), writer.initializers
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def input_names(graph: Graph) -> list[str]:
    """What the model calls the graph's inputs, in order."""
    return [_name(i) for i in graph.inputs]
