"""The thresholds that ``sweep.py`` looks at, and how random shapes around them are drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from stretto.bench.roofline import float_isa

__all__ = ["SWEEPS", "Sweep", "Work"]

ROOT = Path(__file__).resolve().parent.parent

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Work:
    """One call of an op: the shapes of its inputs, its options, and the size that decides."""

    op: str
    shapes: tuple[tuple[int, ...], ...]
    size: float
    flops: float
    attributes: dict[str, Any] = field(default_factory=dict)

    def inputs(self) -> tuple[Array, ...]:
        """Standard normal arrays; a constant of the op's is left out."""
        rng = np.random.default_rng(0)
        return tuple(rng.standard_normal(shape, np.float32) for shape in self.shapes)


Draw: TypeAlias = Callable[[np.random.Generator, float], Work]


@dataclass(frozen=True)
class Sweep:
    """A threshold: what is compared, from where to where, and how a shape of about a given size is drawn."""

    kind: str
    unit: str
    low: float
    high: float
    draw: Draw
    small: str = ""  # of rows: the variant below the threshold
    large: str = ""
    value: Callable[[], float] | None = None  # of paths: the threshold


def constant(file: str, name: str) -> float:
    """A number of the sources, so that it stands there alone: sums, products and shifts of literals.

    Where it stands twice, the first is that of AVX-512.
    """
    text = (ROOT / "csrc" / file).read_text(encoding="utf-8")
    found = re.findall(rf"\b{name} = ([\d.e+*<() ]+);", text)
    if not found:
        raise SystemExit(f"sweep: {file} has no constant {name}")
    return float(eval(found[0 if float_isa() == "avx512" else -1], {"__builtins__": {}}))


def convolution(taps: int, outputs: tuple[int, int]) -> Draw:
    """Channels first; the size is the number of terms of a sum."""

    def draw(rng: np.random.Generator, size: float) -> Work:
        kernel = math.isqrt(taps)
        channels = max(1, round(size / taps))
        o, side = int(rng.integers(*outputs, endpoint=True)), int(rng.integers(10, 57))
        shapes = ((1, channels, side, side), (o, channels, kernel, kernel))
        flops = 2.0 * o * channels * taps * side**2
        return Work("conv2d", shapes, channels * taps, flops, {"padding": kernel // 2})

    return draw


def tiny_stack(rng: np.random.Generator, size: float) -> Work:
    """A stack of nearly square matrices; the size is the elements of the three matrices."""
    side = math.sqrt(size / 3)
    m, k, n = (max(2, round(side * rng.uniform(0.9, 1.1))) for _ in range(3))
    return Work("matmul", ((600, m, k), (600, k, n)), m * k + k * n + m * n, 1200.0 * m * k * n)


def rows_of_large(rng: np.random.Generator, size: float) -> Work:
    """Few rows times a matrix that comes from memory; the size is the rows."""
    m, k, n = round(size), int(rng.integers(1600, 2400)), int(rng.integers(1600, 2400))
    return Work("matmul", ((m, k), (k, n)), m, 2.0 * m * k * n)


def bytes_of_b(least: int, most: int) -> Draw:
    """Some rows times a matrix of so many bytes, which are the size."""

    def draw(rng: np.random.Generator, size: float) -> Work:
        m = int(rng.integers(least, most, endpoint=True))
        k = round(math.sqrt(size / 4) * rng.uniform(0.8, 1.25))
        n = round(size / 4 / k)
        return Work("matmul", ((m, k), (k, n)), 4.0 * k * n, 2.0 * m * k * n)

    return draw


def few_terms(least: int, most: int) -> Draw:
    """Products of so many terms, which are the size."""

    def draw(rng: np.random.Generator, size: float) -> Work:
        k, (m, n) = max(1, round(size)), rng.integers(least, most, 2, endpoint=True)
        return Work("matmul", ((int(m), k), (k, int(n))), k, 2.0 * m * n * k)

    return draw


def long_rows(rng: np.random.Generator, size: float) -> Work:
    """A row times few long rows; the size is the bytes of one."""
    k, n = int(rng.integers(8, 24, endpoint=True)), round(size / 4) | 1
    return Work("matmul", ((1, k), (k, n)), 4.0 * n, 2.0 * k * n)


def points_to_few(rng: np.random.Generator, size: float) -> Work:
    """A 1x1 convolution to so many outputs, which are the size."""
    o, channels, side = max(1, round(size)), int(rng.integers(16, 257)), int(rng.integers(14, 100))
    flops = 2.0 * o * channels * side**2
    return Work("conv2d", ((1, channels, side, side), (o, channels, 1, 1)), o, flops)


def square(rng: np.random.Generator, size: float) -> Work:
    """A square product of so many operations."""
    n = max(4, round((size / 2) ** (1 / 3)))
    return Work("matmul", ((n, n), (n, n)), 2.0 * n**3, 2.0 * n**3)


def sums(rng: np.random.Generator, size: float) -> Work:
    """Two arrays added; the size is the bytes."""
    n = round(size / 12)
    return Work("add", ((n,), (n,)), 12.0 * n, float(n))


def square_convolution(rng: np.random.Generator, size: float) -> Work:
    """A 3x3 convolution of so many operations."""
    channels, side = int(rng.integers(16, 65)), 14
    o = max(1, round(size / (18 * channels * side**2)))
    flops = 18.0 * o * channels * side**2
    return Work("conv2d", ((1, channels, side, side), (o, channels, 3, 3)), flops, flops, {"padding": 1})


SWEEPS = {
    "conv_3x3_terms": Sweep("rows", "terms", 9, 144, convolution(9, (16, 128)), "conv_pixels", "conv_channels"),
    "conv_1x1_terms": Sweep("rows", "terms", 8, 512, convolution(1, (16, 128)), "conv_pixels", "conv_channels"),
    "conv_few_outputs_terms": Sweep("rows", "terms", 48, 2048, convolution(9, (2, 8)), "conv_pixels", "conv_channels"),
    "matmul_tiny_elements": Sweep(
        "paths", "elements", 100, 1000, tiny_stack,
        value=lambda: constant("kernels/matmul/interleaved.h", "kTinyElements"),
    ),
    "matmul_stream_rows": Sweep(
        "paths", "rows", 8, 48, rows_of_large, value=lambda: constant("kernels/matmul/copying.h", "kStreamRows")
    ),
    "matmul_stream_bytes": Sweep(
        "paths", "bytes of b", 128 << 10, 8 << 20, bytes_of_b(4, 8),
        value=lambda: constant("kernels/matmul/copying.h", "kStreamedBytes"),
    ),
    "matmul_packing_bytes": Sweep(
        "paths", "bytes of b", 32 << 10, 2 << 20, bytes_of_b(600, 800),
        value=lambda: constant("kernels/matmul/copying.h", "kPackingBytes"),
    ),
    "matmul_far_bytes": Sweep(
        "paths", "bytes of b", 1 << 18, 16 << 20, bytes_of_b(100, 200),
        value=lambda: constant("kernels/matmul/copying.h", "kFarBytes"),
    ),
    "matmul_outer_terms": Sweep(
        "paths", "terms", 2, 16, few_terms(200, 800), value=lambda: constant("kernels/matmul/outer.h", "kOuterTerms")
    ),
    "matmul_stream_memory": Sweep(
        "paths", "bytes of b", 2 << 20, 64 << 20, bytes_of_b(1, 2),
        value=lambda: constant("kernels/matmul/stream.h", "kStreamMemory"),
    ),
    "matmul_long_rows": Sweep(
        "paths", "bytes of a row", 4 << 10, 64 << 10, long_rows,
        value=lambda: constant("kernels/matmul/skinny.h", "kLongRowBytes"),
    ),
    "conv_1x1_outputs": Sweep(
        "paths", "outputs", 1, 24, points_to_few, value=lambda: constant("kernels/conv/conv.cpp", "kFewOutputs")
    ),
    "matmul_threads": Sweep("threads", "operations", 4e5, 1e8, square),
    "conv_threads": Sweep("threads", "operations", 4e5, 1e8, square_convolution),
    "add_threads": Sweep("threads", "bytes", 1 << 14, 1 << 24, sums),
}  # fmt: skip
