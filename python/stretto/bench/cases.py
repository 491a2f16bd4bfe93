"""The published cases: the shapes of ``shapes.json``, with what each costs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Shape = tuple[int, ...]

GROUPS = ("bmm", "conv", "conv_transpose", "elementwise", "overhead")


@dataclass(frozen=True)
class Case:
    """One call of an op: the shapes of its array inputs in order, and its options in NumPy's and PyTorch's words."""

    group: str
    name: str
    op: str
    shapes: tuple[Shape, ...]
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def out_shape(self) -> Shape:
        """Shape of the result."""
        if self.op == "matmul":
            a, b = self.shapes
            return (*_broadcast(a[:-2], b[:-2]), a[-2], b[-1])
        if self.group == "elementwise":
            return self._elementwise_shape
        x, w = self.shapes
        if self.group == "conv_transpose":
            keys = ("stride", "padding", "output_padding", "groups")
            stride, padding, more, groups = (int(self.options[key]) for key in keys)
            space = ((n - 1) * stride + k - 2 * padding + more for n, k in zip(x[2:], w[2:], strict=True))
            return (x[0], w[1] * groups, *space)
        stride, padding, dilation = (int(self.options[key]) for key in ("stride", "padding", "dilation"))
        space = ((n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(x[2:], w[2:], strict=True))
        return (x[0], w[0], *space)

    @property
    def _elementwise_shape(self) -> Shape:
        x = self.shapes[0]
        match self.op:
            case "add" | "mul":
                return _broadcast(*self.shapes)
            case "sum" | "max":
                axis = self.options["axis"] % len(x)
                return x[:axis] + x[axis + 1 :]
            case "transpose":
                return tuple(x[axis] for axis in self.options["axes"])
            case "global_avg_pool":
                return (*x[:2], 1, 1)
            case "max_pool2d" | "avg_pool2d":
                kernel, stride, padding = (int(self.options[key]) for key in ("kernel_size", "stride", "padding"))
                return (*x[:2], *((n + 2 * padding - kernel) // stride + 1 for n in x[2:]))
        return x

    @property
    def terms(self) -> int:
        """Products in each sum: K of a matmul, channels times taps that meet of a convolution, 1 elsewhere."""
        if self.op == "matmul":
            return self.shapes[0][-1]
        w = self.shapes[-1]
        if self.group == "conv_transpose":
            taps = math.prod(-(-k // int(self.options["stride"])) for k in w[2:])
            return w[0] // int(self.options["groups"]) * taps
        return math.prod(w[1:]) if self.group == "conv" else 1

    @property
    def flops(self) -> float:
        """Operations; for the element-wise group one for each element read."""
        if self.group == "elementwise":
            return float(self.read)
        if self.group == "conv_transpose":  # every element of x meets every tap, also those that fall outside
            x, w = self.shapes
            return 2.0 * math.prod(x) * math.prod(w[1:])
        return 2.0 * math.prod(self.out_shape) * self.terms

    @property
    def read(self) -> int:
        """Elements of the inputs, each read once."""
        return sum(math.prod(shape) for shape in self.shapes)


def _broadcast(a: Shape, b: Shape) -> Shape:
    """Broadcast two shapes that are known to agree."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    return tuple(max(m, n) for m, n in zip(longer, padded, strict=True))


def _case(group: str, name: str, row: list[Any]) -> Case:
    if group == "elementwise":
        op, shapes, options = row
    elif group == "conv_transpose":
        x, w, stride, padding, more, groups = row
        op, shapes = f"conv_transpose{len(x) - 2}d", [x, w]
        options = {"stride": stride, "padding": padding, "output_padding": more, "groups": groups}
    elif group == "conv":
        x, w, stride, padding, dilation, groups = row
        op, shapes = f"conv{len(x) - 2}d", [x, w]
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    else:
        op, shapes, options = "matmul", row, {}
    return Case(group, name, op, tuple(tuple(shape) for shape in shapes), dict(options))


@cache
def published(group: str) -> tuple[Case, ...]:
    """Published cases of a group of ``GROUPS``."""
    rows = json.loads(Path(__file__).with_name("shapes.json").read_text(encoding="utf-8"))[group]
    return tuple(_case(group, name, row) for name, row in rows.items())
