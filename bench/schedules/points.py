"""Single ops of random sizes: points that no calibration of a network has seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import stretto as st
from stretto import _core

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Made: TypeAlias = tuple[Callable[..., Any], tuple[int, ...]]  # a function of one array, and the shape of a sample
MOST_WORK = 2e8  # operations, so that a point takes milliseconds at most
BATCHES = (1, 2, 3, 5, 6, 11, 12, 24, 40, 48)


@dataclass(frozen=True)
class Point:
    """An op with its sizes, as a function of one batch."""

    op: str
    size: str
    function: Callable[..., Any]
    shape: tuple[int, ...]  # of a sample
    batch: int

    def example(self) -> Array:
        """Standard normal input."""
        return np.random.default_rng(0).standard_normal((self.batch, *self.shape), np.float32)


class Sizes:
    """Random sizes and weights."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def between(self, low: int, high: int) -> int:
        """An integer, its logarithm uniform."""
        return round(math.exp(self.rng.uniform(math.log(low), math.log(high))))

    def weight(self, *shape: int) -> Array:
        """Standard normal."""
        return self.rng.standard_normal(shape, np.float32)


def _matmul(s: Sizes) -> Made:
    k, n = s.between(16, 1500), s.between(16, 1500)
    w, bias = s.weight(k, n), s.weight(n)
    return lambda x: st.matmul(x, w, bias=bias, activation="relu"), (k,)


def _conv(s: Sizes, kernel: int) -> Made:
    channels, out, side = s.between(4, 96), s.between(8, 96), s.between(6, 40)
    w = s.weight(out, channels, kernel, kernel)
    return lambda x: st.conv2d(x, w, padding=kernel // 2), (channels, side, side)


def _depthwise(s: Sizes) -> Made:
    channels, side = s.between(8, 128), s.between(6, 40)
    w = s.weight(channels, 1, 3, 3)
    return lambda x: st.conv2d(x, w, padding=1, groups=channels), (channels, side, side)


def _conv1d(s: Sizes) -> Made:
    channels, out, length = s.between(1, 64), s.between(8, 64), s.between(64, 2000)
    w = s.weight(out, channels, 5)
    return lambda x: st.conv1d(x, w, padding=2), (channels, length)


def _up(s: Sizes) -> Made:
    channels, out, side = s.between(8, 64), s.between(4, 32), s.between(4, 20)
    w = s.weight(channels, out, 2, 2)
    return lambda x: st.conv_transpose2d(x, w, stride=2), (channels, side, side)


def _on_image(f: Callable[..., Any]) -> Callable[[Sizes], Made]:
    def make(s: Sizes) -> Made:
        side = s.between(4, 48)
        return f, (s.between(4, 64), side, side)

    return make


def _on_rows(f: Callable[..., Any]) -> Callable[[Sizes], Made]:
    return lambda s: (f, (s.between(4, 64), s.between(16, 512)))


def _layer_norm(s: Sizes) -> Made:
    length = s.between(16, 512)
    gamma = s.weight(length)
    return lambda x: st.layer_norm(x, gamma, gamma), (s.between(4, 64), length)


def _attention(s: Sizes) -> Made:
    return lambda x: st.attention(x, x, x), (s.between(1, 8), s.between(8, 96), 16 * s.between(1, 4))


OPS: dict[str, Callable[[Sizes], Made]] = {
    "matmul": _matmul,
    "conv2d 3x3": lambda s: _conv(s, 3),
    "conv2d 1x1": lambda s: _conv(s, 1),
    "conv2d depthwise": _depthwise,
    "conv1d": _conv1d,
    "conv_transpose2d": _up,
    "max_pool2d": _on_image(lambda x: st.max_pool2d(x, 2)),
    "relu": _on_image(st.relu),
    "add": _on_image(lambda x: st.add(x, x)),
    "concat": _on_image(lambda x: st.concat([x, x], axis=1)),
    "global_avg_pool": _on_image(st.global_avg_pool),
    "gelu": _on_rows(st.gelu),
    "softmax": _on_rows(st.softmax),
    "layer_norm": _layer_norm,
    "attention": _attention,
}


def points(count: int, seed: int = 0) -> Iterator[Point]:
    """Random points, the ops in turn; those of too much work are drawn again."""
    sizes = Sizes(seed)
    names = list(OPS)
    for number in range(count):
        name = names[number % len(names)]
        while True:
            function, shape = OPS[name](sizes)
            point = Point(name, "x".join(map(str, shape)), function, shape, int(sizes.rng.choice(BATCHES)))
            if _work(point) <= MOST_WORK:
                break
        yield point


def _work(point: Point) -> float:
    """Operations of the point, or elements that it moves."""
    program = st.trace(point.function, point.example()[:1])
    types, step = program.types(point.batch), program.steps[0]
    inputs = [None if i is None else types[i] for i in step.inputs]
    return float(max(_core.op(step.op).cost(inputs, step.attributes_at(point.batch))))
