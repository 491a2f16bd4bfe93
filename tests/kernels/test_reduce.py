"""Reduction kernels: every variant against the reference, the reference against exact sums."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.kernels.test_elementwise import patterns, same_bits

NAMES = ["sum", "mean", "max", "min", "var", "argmax"]
VARIANTS = [name for name, _, present in _core.op("sum").variants if present and name != "reduce_reference"]
CASES = [
    ((7,), None),
    ((4100,), None),
    ((3, 9000), 1),
    ((9000, 5), 0),
    ((4097, 131), 0),
    ((2, 3, 4, 5), (0, 2, 3)),
    ((2, 70, 9, 10), (0, 2, 3)),
    ((5, 33, 20), 1),
    ((40, 6), -1),
    ((6, 3), ()),
    ((0, 4), 1),
    ((43, 49), 1),
    ((35, 3), 1),
    ((37, 4096), 1),
    ((2, 70_000), 1),
]


def run(name: str, x: Any, axis: Any, variant: str | None = None, threads: int = 1) -> Any:
    return _core.op(name)((x,), {"axis": axis}, None, threads, variant)


@pytest.mark.parametrize("dtype", ["f2", ml_dtypes.bfloat16, "f4", "f8", "i1", "u2", "i4", "i8", "?"], ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_equal_the_reference(variant: str, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    for shape, axis in CASES:
        x = (rng.standard_normal(shape) * 50).astype(dtype)
        for name in NAMES:
            if name == "argmax" and isinstance(axis, tuple):
                continue
            expected = run(name, x, axis, "reduce_reference")
            for threads in (1, 3):
                assert same_bits(run(name, x, axis, variant, threads), expected), (name, shape, axis)
            assert same_bits(run(name, np.asfortranarray(x), axis, variant), expected), (name, shape, axis)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rows_that_come_from_memory(variant: str, dtype: str) -> None:
    for shape, axis in (((700, 4300), 0), ((3, 290, 2700), 1), ((4500, 530), 0)):
        x = np.random.default_rng(7).standard_normal(shape).astype(dtype)
        x[17 % shape[0], ..., 5] = np.nan
        for name in ("sum", "max", "var"):
            expected = run(name, x, axis, "reduce_reference")
            for threads in (1, 2):
                assert same_bits(run(name, x, axis, variant, threads), expected), (name, shape, threads)


@settings(max_examples=50, deadline=None)
@given(
    shape=some.lists(some.integers(1, 40), min_size=1, max_size=3),
    data=some.data(),
    name=some.sampled_from(NAMES),
    dtype=some.sampled_from(["f4", "f8", "f2"]),
)
def test_special_values_and_strides(shape: list[int], data: Any, name: str, dtype: str) -> None:
    axis = data.draw(some.integers(0, len(shape) - 1))
    x = np.random.default_rng(data.draw(some.integers(0, 99))).choice(patterns(dtype, 300, 2), [2 * n for n in shape])
    x = x[tuple(slice(None, None, data.draw(some.sampled_from([2, -2]))) for _ in shape)]
    expected = run(name, x, axis, "reduce_reference")
    for variant in VARIANTS:
        assert same_bits(run(name, x, axis, variant), expected)
    assert same_bits(run(name, np.ascontiguousarray(x), axis), expected)


def test_sum_is_the_rule_of_the_contract() -> None:
    x = np.random.default_rng(3).standard_normal(10_000).astype("f4")

    def rule(values: Any) -> Any:
        totals = []
        for start in range(0, len(values), 4096):
            s = [np.float32(0)] * 16
            for k, value in enumerate(values[start : start + 4096]):
                s[k % 16] = s[k % 16] + value
            for h in (8, 4, 2, 1):
                s = [s[j] + s[j + h] for j in range(h)]
            totals.append(s[0])
        return totals[0] if len(totals) == 1 else rule(totals)

    for n in (0, 1, 15, 4096, 10_000):
        assert st.sum(x[:n]) == (rule(x[:n]) if n else 0)


def test_error_of_sums_and_variances() -> None:
    x = np.random.default_rng(4).standard_normal(5000)
    exact = sum(map(Fraction, x.tolist()))
    bound = Fraction(2) ** -53 * 270 * sum(abs(Fraction(v)) for v in x.tolist())  # 256 + 4 + 4 additions deep
    assert abs(Fraction(float(st.sum(x))) - exact) <= bound
    np.testing.assert_allclose(st.var(x, ddof=1), np.var(x, ddof=1), rtol=1e-13)
    np.testing.assert_allclose(st.mean(x), np.mean(x), rtol=1e-11)


def test_batch_slices_have_equal_bits() -> None:
    x = np.random.default_rng(5).standard_normal((9, 50, 21)).astype("f4")
    for name in NAMES:
        for axis in (1, 2):
            assert same_bits(run(name, x, axis)[2:5], run(name, x[2:5], axis))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("count", [345, 10_000])
def test_nan_and_the_first_largest_are_found_anywhere(variant: str, dtype: str, count: int) -> None:
    x = np.random.default_rng(6).integers(-3, 3, count).astype(dtype)
    for at in range(0, count, count // 49):
        for value in (np.nan, 9, np.inf):
            y = x.copy()
            y[[at, -1]] = value
            assert run("argmax", y, None, variant) == at
            assert same_bits(run("max", y, None, variant), np.asarray(value, dtype))
            assert same_bits(run("min", -y, None, variant), np.asarray(-value, dtype))
    assert run("argmax", np.full(200, -np.inf, dtype), None, variant) == 0
    assert run("max", np.full(200, -np.inf, dtype), None, variant) == -np.inf
