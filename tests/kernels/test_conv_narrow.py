"""Convolutions of 8-bit and 16-bit integers in int32: every variant against NumPy's int64 sums modulo 2^32."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import stretto as st
from hypothesis import HealthCheck, given, settings, strategies
from stretto import _core

from tests.cases.conv import CASES
from tests.kernels.test_matmul_narrow import TYPES, draw

OPS = {r: _core.op(f"conv{r}d") for r in (1, 2, 3)}
VARIANTS = [
    name for name, _, present in OPS[2].variants if present and name.startswith(("conv_narrow", "conv_integer"))
]
INT32 = {"dtype": np.dtype("int32")}


def run(x: Any, w: Any, options: dict[str, Any], variant: str | None, bias: Any = None, residual: Any = None) -> Any:
    return OPS[x.ndim - 2]((x, w, bias, None, None, residual), options, None, 2, variant)


def exact(x: Any, w: Any, options: dict[str, Any]) -> Any:
    """In int64, by the reference kernel, which test_conv compares with rational arithmetic."""
    return run(x.astype("i8"), w.astype("i8"), options, "conv_reference").astype("i4")


def check(x: Any, w: Any, options: dict[str, Any]) -> int:
    """Compares every variant that fits; returns their number."""
    expected, count = exact(x, w, options), 0
    for name in (None, "conv_reference", *VARIANTS):
        try:
            got = run(x, w, {**options, **INT32}, name)
        except NotImplementedError:
            continue  # this row does not take such a shape
        assert got.dtype == np.int32
        assert np.array_equal(got, expected), name
        count += 1
    return count


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("left", "right"), TYPES)
def test_variants_equal_the_sums(name: str, left: str, right: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(1)
    x, w = draw(rng, x_shape, left), draw(rng, w_shape, right)
    assert check(x, w, options) >= 2
    if left == right:
        wrapped = run(x.astype("i8"), w.astype("i8"), options, "conv_reference").astype(left)
        assert np.array_equal(run(x, w, options, None), wrapped)


@pytest.mark.parametrize(("left", "right"), TYPES)
def test_extremes(left: str, right: str) -> None:
    for x_value, w_value in itertools.product(*((np.iinfo(t).min, np.iinfo(t).max) for t in (left, right))):
        x, w = np.full((1, 517, 5, 6), x_value, left), np.full((18, 517, 3, 3), w_value, right)
        fitting = [name for name in VARIANTS if left != "int16" or not name.endswith("vnni")]  # that is for bytes
        assert check(x, w, {"padding": 1}) == 2 + len(fitting)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    strategies.sampled_from(TYPES),
    strategies.integers(1, 9),
    strategies.integers(1, 35),
    strategies.tuples(strategies.integers(3, 20), strategies.integers(3, 20)),
    strategies.tuples(strategies.integers(1, 3), strategies.integers(1, 3)),
    strategies.tuples(strategies.integers(1, 3), strategies.integers(1, 2)),
    strategies.integers(1, 2),
    strategies.sampled_from([1, 2, 3]),
    strategies.sampled_from(["NCHW", "NHWC", "step", "reversed"]),
    strategies.integers(0, 99),
)
def test_drawn_problems(types, channels, outputs, size, kernel, stride, dilation, groups, layout, seed):
    rng = np.random.default_rng(seed)
    x = draw(rng, (2, channels * groups, *size), types[0])
    w = draw(rng, (outputs * groups, channels, *kernel), types[1])
    options: dict[str, Any] = {"stride": stride, "padding": 2, "dilation": dilation, "groups": groups}
    if layout == "NHWC":
        expected = np.moveaxis(exact(x, w, options), 1, -1)
        x, options = np.moveaxis(x, 1, -1).copy(), {**options, "layout": "NHWC"}
        for name in (None, "conv_reference"):
            assert np.array_equal(run(x, w, {**options, **INT32}, name), expected)
    elif layout == "step":
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        check(wide[..., ::2], w[::-1], options)
    elif layout == "reversed":
        check(x[..., ::-1], np.asfortranarray(w), options)
    else:
        check(x, w, options)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(("left", "right"), TYPES)
def test_prepared_weights_and_the_epilogue(left: str, right: str, layout: str) -> None:
    rng = np.random.default_rng(2)
    for channels, outputs, size in [(3, 5, 3), (64, 40, 1), (30, 33, 3)]:
        x, w = draw(rng, (2, channels, 9, 11), left), draw(rng, (outputs, channels, size, size), right)
        bias, residual = draw(rng, (outputs,), "int32"), draw(rng, (2, outputs, 9, 11), "int32")
        options: dict[str, Any] = {"padding": size // 2}
        with np.errstate(over="ignore"):
            expected = exact(x, w, options) + bias[:, None, None] + residual
        if layout == "NHWC":
            x, residual, expected = (np.moveaxis(a, 1, -1).copy() for a in (x, residual, expected))
            options["layout"] = layout
        for weight in (w, st.prepare(w, op="conv2d", **options)):
            got = st.conv2d(x, weight, bias=bias, residual=residual, dtype=np.int32, **options)
            assert np.array_equal(got, expected)
