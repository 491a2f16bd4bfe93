"""The suite's networks in PyTorch: an interpreter of the steps, and the same frozen by ``torch.jit``."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from stretto.bench.peers import UnsupportedError

from bench.peers.graph import Graph, Node

Tensor: TypeAlias = torch.Tensor
Run: TypeAlias = Callable[..., Any]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "silu": F.silu,
    "hard_swish": F.hardswish,
    "softplus": F.softplus,
}
ELEMENTWISE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
CONVOLUTIONS: dict[str, Any] = {"conv1d": F.conv1d, "conv2d": F.conv2d, "conv3d": F.conv3d}
TRANSPOSED: dict[str, Any] = {
    "conv_transpose1d": F.conv_transpose1d,
    "conv_transpose2d": F.conv_transpose2d,
    "conv_transpose3d": F.conv_transpose3d,
}
MAX_POOLS: dict[str, Any] = {"max_pool1d": F.max_pool1d, "max_pool2d": F.max_pool2d, "max_pool3d": F.max_pool3d}


class Network(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Runs the nodes of a graph, one after the other; its parameters are the graph's arrays."""

    def __init__(self, graph: Graph, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.value_indices = list(graph.arrays)
        for i, array in graph.arrays.items():
            self.register_buffer(f"value{i}", self._laid_out(torch.from_numpy(array.copy())))
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self.steps = [(_call_of(node, graph), node.inputs, node.outputs) for node in graph.nodes]

    def _laid_out(self, tensor: Tensor) -> Tensor:
        if self.channels_last and tensor.ndim == 4:
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    def forward(self, *inputs: Tensor) -> Any:
        """The network's result, or a tuple of them."""
        values: dict[int | None, Any] = {None: None}
        values |= {i: getattr(self, f"value{i}") for i in self.value_indices}
        values |= {i: self._laid_out(x) for i, x in zip(self.inputs, inputs, strict=True)}
        for call, operands, outputs in self.steps:
            result = call(*[values[i] for i in operands])
            results = result if isinstance(result, tuple) else (result,)
            values |= dict(zip(outputs, results, strict=True))
        results = tuple(values[i].contiguous() for i in self.outputs)
        return results if len(results) > 1 else results[0]


def fastest_form(graph: Graph, channels_last: bool, example: list[Tensor]) -> tuple[str, Run]:
    """The fastest of eager, frozen and optimised, by a few calls of each: PyTorch is to have its best setting."""
    forms = forms_of(Network(graph, channels_last).eval(), example)
    seconds = {name: _seconds(run, example) for name, run in forms.items()}
    best = min(seconds, key=lambda name: seconds[name])
    return best, forms[best]


def forms_of(network: Network, example: list[Tensor]) -> dict[str, Run]:
    """The network as it is, traced and frozen, and with the convolutions in oneDNN's layouts as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is said to be old; what is newer needs a compiler
        traced = torch.jit.trace(network, tuple(example), check_trace=False)
        frozen = torch.jit.freeze(traced)
        optimised = torch.jit.optimize_for_inference(frozen)
    return {"eager": network, "frozen": frozen, "optimised": optimised}


def _seconds(run: Run, example: list[Tensor]) -> float:
    for _ in range(5):  # the profiling executor settles
        run(*example)
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        run(*example)
        times.append(time.perf_counter() - begin)
    return min(times)


def _call_of(node: Node, graph: Graph) -> Callable[..., Any]:
    """A function of the node's operands."""
    op, options = node.op, node.attributes
    if op in CONVOLUTIONS or op in TRANSPOSED or op == "matmul":
        return _product(node, graph)
    if op in ACTIVATIONS:
        return ACTIVATIONS[op]
    if op in ELEMENTWISE:
        return ELEMENTWISE[op]
    if op in MAX_POOLS:
        if options.get("ceil_mode") or options.get("layout", "NCHW") != "NCHW":
            raise UnsupportedError(f"{op}: only channels first, and no ceil_mode")
        kernel = options["kernel_size"]
        pool, stride = MAX_POOLS[op], options.get("stride") or kernel
        padding, dilation = options.get("padding", 0), options.get("dilation", 1)
        return lambda x: pool(x, kernel, stride, padding, dilation)
    shape = graph.shapes[node.outputs[0]]
    calls: dict[str, Callable[..., Any]] = {
        "global_avg_pool": lambda x: x.mean(tuple(range(2, x.ndim)), keepdim=options.get("keepdims", True)),
        "attention": _attention(node),
        "reshape": lambda x: x.reshape(shape),
        "flatten": lambda x: x.reshape(shape),
        "transpose": lambda x: x.permute(options.get("axes") or tuple(range(x.ndim))[::-1]),
        "concat": lambda *x: torch.cat(x, options.get("axis", 0)),
        "split": lambda x: torch.split(x, [graph.shapes[i][options["axis"]] for i in node.outputs], options["axis"]),
        "sum": lambda x: torch.sum(x, options["axis"], keepdim=options.get("keepdims", False)),
        "softmax": lambda x: torch.softmax(x, options.get("axis", -1)),
        "layer_norm": lambda x, g, b: F.layer_norm(x, x.shape[-options.get("dims", 1) :], g, b, options["eps"]),
        "batch_norm": lambda x, g, b, mean, var: F.batch_norm(x, mean, var, g, b, False, 0.0, options["eps"]),
    }
    if op not in calls:
        raise UnsupportedError(f"{op}: no PyTorch form of this op")
    return calls[op]


def _attention(node: Node) -> Callable[..., Tensor]:
    causal, scale = bool(node.attributes.get("causal")), node.attributes.get("scale")
    return lambda q, k, v, mask=None: F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, scale=scale
    )


def _product(node: Node, graph: Graph) -> Callable[..., Tensor]:
    """A convolution or matmul and its epilogue."""
    if node.input(3) is not None:
        raise UnsupportedError(f"{node.op}: no PyTorch form of scale and shift")
    multiply = _convolution(node) if node.op != "matmul" else _matmul(graph.shapes[node.inputs[0] or 0])
    activate = _activation(node.op, node.attributes.get("activation"))

    def call(x: Tensor, w: Tensor, bias: Tensor | None = None, *more: Tensor | None) -> Tensor:
        y = multiply(x, w, bias)
        if more and more[-1] is not None:
            y = y + more[-1]
        return activate(y)

    return call


def _convolution(node: Node) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    options = node.attributes
    stride, padding = options.get("stride", 1), options.get("padding", 0)
    dilation, groups = options.get("dilation", 1), options.get("groups", 1)
    if isinstance(padding, str) or options.get("layout", "NCHW") != "NCHW":
        raise UnsupportedError(f"{node.op}: only channels first, and padding in numbers")
    if node.op in CONVOLUTIONS:
        convolve = CONVOLUTIONS[node.op]
        return lambda x, w, bias: convolve(x, w, bias, stride, padding, dilation, groups)
    convolve, more = TRANSPOSED[node.op], options.get("output_padding", 0)
    return lambda x, w, bias: convolve(x, w, bias, stride, padding, more, groups, dilation)


def _matmul(shape: tuple[int, ...]) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    if len(shape) == 2:
        return lambda x, w, bias: torch.mm(x, w) if bias is None else torch.addmm(bias, x, w)
    return lambda x, w, bias: torch.matmul(x, w) if bias is None else torch.matmul(x, w) + bias


def _activation(op: str, activation: Any) -> Callable[[Tensor], Tensor]:
    if activation is None:
        return lambda y: y
    name, parameter = (activation, 0.0) if isinstance(activation, str) else activation
    if name == "leaky_relu":
        return lambda y: F.leaky_relu(y, float(parameter))
    if name not in ACTIVATIONS:
        raise UnsupportedError(f"{op}: no PyTorch form of the activation {name}")
    return ACTIVATIONS[name]
