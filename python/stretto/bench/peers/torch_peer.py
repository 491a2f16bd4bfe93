"""PyTorch on the CPU, as it is: eager calls without gradients, contiguous or channels last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from stretto.bench.cases import Case
from stretto.bench.peers import Prepared, UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]


def versions(threads: int) -> dict[str, str]:
    """Pin PyTorch's threads; name it and its oneDNN."""
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    parts = {"torch": torch.__version__}
    for line in torch.__config__.show().splitlines():
        if "oneDNN" in line or "MKL-DNN" in line or "Math Kernel" in line:
            parts["mkl" if "Math Kernel" in line else "onednn"] = line.strip(" -")
    return parts


def _tensor(array: Array) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(array)


def _array(tensor: torch.Tensor) -> Array:
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.to(torch.float32)
    return np.asarray(tensor.contiguous().numpy())


def prepare(peer: str, case: Case, arrays: list[Array], threads: int) -> Prepared:
    """Keep tensors in the layout under test; conversion is outside the timing."""
    tensors = [_tensor(array) for array in arrays]
    channels_last = peer == "torch-channels-last"
    if case.group == "conv":
        call = _convolution(case, tensors, channels_last)
    elif case.group == "conv_transpose":
        call = _transposed_convolution(case, tensors, channels_last)
    elif channels_last:
        raise UnsupportedError("channels last means something for convolutions only")
    elif case.group == "bmm":
        a, b = tensors
        out = torch.matmul(a, b)
        return Prepared(lambda: torch.matmul(a, b, out=out), lambda: _array(out))
    elif case.group == "overhead":
        a, b = tensors
        return Prepared(lambda: torch.matmul(a, b), lambda: _array(torch.matmul(a, b)))
    else:
        call = _elementwise(case, tensors)
    return Prepared(call, lambda: _array(call()))


def _convolution(case: Case, tensors: list[torch.Tensor], channels_last: bool) -> Callable[[], torch.Tensor]:
    x, w = tensors
    keys = ("stride", "padding", "dilation", "groups")
    stride, padding, dilation, groups = (case.options[key] for key in keys)
    if not channels_last:
        convolve: Any = {"conv1d": F.conv1d, "conv2d": F.conv2d, "conv3d": F.conv3d}[case.op]
        return lambda: convolve(x, w, None, stride, padding, dilation, groups)
    if case.op == "conv3d":
        x, w = (t.to(memory_format=torch.channels_last_3d) for t in (x, w))
        return lambda: F.conv3d(x, w, None, stride, padding, dilation, groups)
    if case.op == "conv1d":  # as a picture one pixel high, since channels last has no 1-D form
        x, w = (t.unsqueeze(2).to(memory_format=torch.channels_last) for t in (x, w))
        return lambda: F.conv2d(x, w, None, (1, stride), (0, padding), (1, dilation), groups).squeeze(2)
    x, w = (t.to(memory_format=torch.channels_last) for t in (x, w))
    return lambda: F.conv2d(x, w, None, stride, padding, dilation, groups)


def _transposed_convolution(case: Case, tensors: list[torch.Tensor], channels_last: bool) -> Callable[[], torch.Tensor]:
    x, w = tensors
    if channels_last:
        if case.op != "conv_transpose2d":
            raise UnsupportedError("channels last has a form for pictures only")
        x, w = (t.to(memory_format=torch.channels_last) for t in (x, w))
    transposed: Any = getattr(F, case.op)
    stride, padding, more, groups = (case.options[key] for key in ("stride", "padding", "output_padding", "groups"))
    return lambda: transposed(x, w, None, stride, padding, more, groups)


def _elementwise(case: Case, tensors: list[torch.Tensor]) -> Callable[[], torch.Tensor]:
    x = tensors[0]
    options = case.options
    axis = options.get("axis")
    calls: dict[str, Callable[[], torch.Tensor]] = {
        "relu": lambda: torch.relu(x),
        "exp": lambda: torch.exp(x),
        "tanh": lambda: torch.tanh(x),
        "sigmoid": lambda: torch.sigmoid(x),
        "gelu": lambda: F.gelu(x),
        "silu": lambda: F.silu(x),
        "erf": lambda: torch.erf(x),
        "sqrt": lambda: torch.sqrt(x),
        "add": lambda: torch.add(*tensors),
        "mul": lambda: torch.mul(*tensors),
        "max_pool2d": lambda: F.max_pool2d(x, options["kernel_size"], options["stride"], options["padding"]),
        "avg_pool2d": lambda: F.avg_pool2d(x, options["kernel_size"], options["stride"], options["padding"]),
        "global_avg_pool": lambda: F.adaptive_avg_pool2d(x, 1),
        "softmax": lambda: torch.softmax(x, axis),
        "log_softmax": lambda: torch.log_softmax(x, axis),
        "layer_norm": lambda: F.layer_norm(x, x.shape[-1:], *tensors[1:], eps=options["eps"]),
        "batch_norm": lambda: F.batch_norm(x, *tensors[1:], training=False, eps=options["eps"]),
        "group_norm": lambda: F.group_norm(x, options["groups"], *tensors[1:], eps=options["eps"]),
        "sum": lambda: torch.sum(x, axis),
        "max": lambda: torch.amax(x, axis),
        "transpose": lambda: x.permute(options["axes"]).contiguous(),
    }
    if case.op not in calls:
        raise UnsupportedError(f"PyTorch has no {case.op}")
    return calls[case.op]
