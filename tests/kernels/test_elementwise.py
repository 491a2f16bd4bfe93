"""Element-wise kernels: every variant against the reference, whatever the layout, and gradients against differences."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.cases.elementwise import ACTIVATIONS, BINARY, BROADCASTS

VARIANTS = [name for name, _, present in _core.op("add").variants if present and name != "elementwise_reference"]
FLOATS = ["f2", ml_dtypes.bfloat16, "f4", "f8"]


def run(name: str, inputs: tuple[Any, ...], variant: str | None = None, threads: int = 1, **attributes: Any) -> Any:
    return _core.op(name)(inputs, attributes, None, threads, variant)


def same_bits(a: Any, b: Any) -> bool:
    """Equal bits, NaN payloads and signs aside."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind in "biu":
        return bool(np.array_equal(a, b))
    unsigned = f"u{a.dtype.itemsize}"
    with np.errstate(all="ignore"):
        nan = np.isnan(a.astype("f8")) & np.isnan(b.astype("f8"))
    return bool(np.all(nan | (np.ascontiguousarray(a).view(unsigned) == np.ascontiguousarray(b).view(unsigned))))


def patterns(dtype: Any, count: int, seed: int) -> Any:
    """Random bit patterns, ordinary numbers and special values."""
    rng = np.random.default_rng(seed)
    size = np.dtype(dtype).itemsize
    raw = rng.integers(0, 2 ** (8 * size), count, dtype=f"u{size}").view(dtype)
    ordinary = (rng.standard_normal(count) * 3).astype(dtype)
    special = np.array([0.0, -0.0, 1, -1, 2, 0.5, -3, np.inf, -np.inf, np.nan, 6, 88.9, -104]).astype(dtype)
    return np.concatenate([raw, ordinary, special])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_one_argument(variant: str, dtype: Any) -> None:
    x = patterns(dtype, 1500, 1)
    grad = patterns(dtype, 1500, 2)
    for name in ACTIVATIONS:
        assert same_bits(run(name, (x,), variant), run(name, (x,), "elementwise_reference")), name
        fast = run("activation_gradient", (grad, x), variant, activation=name)
        assert same_bits(fast, run("activation_gradient", (grad, x), "elementwise_reference", activation=name)), name


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_extremes_among_ordinary_values(variant: str, dtype: str) -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal(20_000).astype(dtype)
    where = rng.choice(len(x), 60, replace=False)
    x[where] = rng.choice([np.nan, np.inf, -np.inf, 85.9, -85.9, 86.1, 88.7, -103.9, 699.9, -700.1, 710, -745], 60)
    for name in ("exp", "sigmoid", "silu", "softplus"):
        expected = run(name, (x,), "elementwise_reference")
        assert same_bits(run(name, (x,), variant), expected), name
        assert same_bits(run(name, (x[1:],), variant), expected[1:]), name


@pytest.mark.parametrize("dtype", [*FLOATS, "?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"], ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_two_and_three_arguments(variant: str, dtype: Any) -> None:
    is_float = np.dtype(dtype).kind in "fV"
    rng = np.random.default_rng(3)
    for a_shape, b_shape in BROADCASTS:
        for name in BINARY:
            if dtype == "?" and name == "sub":
                continue
            if is_float:
                a, b = (rng.choice(patterns(dtype, 400, s), shape) for s, shape in ((4, a_shape), (5, b_shape)))
            elif dtype == "?":
                a, b = rng.random(a_shape) < 0.5, rng.random(b_shape) < 0.5
            else:
                info = np.iinfo(dtype)
                a = rng.integers(info.min, info.max, a_shape, dtype, endpoint=True)
                b = rng.integers(0 if name == "pow" else info.min, info.max, b_shape, dtype, endpoint=True)
            a, b = np.asarray(a), np.asarray(b)
            assert same_bits(run(name, (a, b), variant), run(name, (a, b), "elementwise_reference")), (name, a_shape)
        c = rng.random(b_shape) < 0.5
        assert same_bits(run("where", (c, a, b), variant), run("where", (c, a, b), "elementwise_reference"))
        assert same_bits(run("clip", (a, b, a), variant), run("clip", (a, b, a), "elementwise_reference"))


@settings(max_examples=60, deadline=None)
@given(
    shape=some.lists(some.integers(1, 9), max_size=4),
    data=some.data(),
    dtype=some.sampled_from(["f4", "f8", "f2", "i4"]),
    threads=some.integers(1, 3),
)
def test_strides_and_broadcasts(shape: list[int], data: Any, dtype: str, threads: int) -> None:
    def operand() -> Any:
        own = [n if data.draw(some.booleans()) else 1 for n in shape]
        order = data.draw(some.permutations(range(len(own))))
        steps = [data.draw(some.sampled_from([1, 2, -1])) for _ in own]
        base = np.arange(np.prod([2 * n for n in own], dtype=int)).reshape([2 * own[i] for i in order]).astype(dtype)
        view = base.transpose(np.argsort(order)) if own else base.reshape(())
        slices = {1: lambda n: slice(None, n), 2: lambda n: slice(None, None, 2), -1: lambda n: slice(n - 1, None, -1)}
        return view[tuple(slices[step](n) for step, n in zip(steps, own, strict=True))]

    a, b = operand(), operand()
    with np.errstate(all="ignore"):
        assert same_bits(run("sub", (a, b), threads=threads), np.subtract(a, b))
    out = np.zeros([*shape, 2], dtype)[..., 0]
    expected = np.broadcast_to(np.maximum(a, b), shape)
    st.maximum(a, np.broadcast_to(b, shape), out=out, threads=threads)
    assert same_bits(out, expected)


def test_threads_and_layout_do_not_change_bits() -> None:
    x = patterns("f4", 150_000, 9).reshape(-1)[:300_000].reshape(500, 600)
    for name in ("exp", "gelu", "add"):
        inputs = (x, x[:, :1]) if name == "add" else (x,)
        one = run(name, inputs, threads=1)
        for threads in (2, 3, 7):
            assert same_bits(run(name, inputs, threads=threads), one)
        assert same_bits(run(name, (np.asfortranarray(x), *inputs[1:])), one)
        assert same_bits(run(name, (x[3:9], x[3:9, :1])[: len(inputs)]), one[3:9])


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_arrays_that_exceed_the_caches(variant: str, dtype: str) -> None:
    """Results go past the caches: none is lost, and nothing beside them is touched."""
    size = _core.machine()["l3_bytes"] // (2 * np.dtype(dtype).itemsize) + 77
    x = np.arange(size).astype(dtype)
    room = np.full(size + 64, 3, dtype)
    for start in (1, 5, 16):
        out = room[start : start + size]
        _core.op("add")((x, x[::-1].copy()), {}, out, 2, variant)
        assert np.array_equal(out, x + x[::-1])
        _core.op("mul")((x, x[:1] + 2), {}, out, 1, variant)
        assert np.array_equal(out, x * (x[:1] + 2))
        room[start : start + size] = 3
        assert np.all(room == 3)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("exp", "log", "sqrt", "erf", "abs", "neg")])
def test_gradients_match_differences(name: str) -> None:
    x = np.random.default_rng(8).standard_normal(200) * 3
    x = x[np.abs(x) > 1e-3]
    x = x[np.min(np.abs(np.abs(x)[:, None] - np.array([3.0, 6.0])), axis=1) > 1e-3]
    h = 1e-6
    difference = (run(name, (x + h,)) - run(name, (x - h,))) / (2 * h)
    gradient = st.activation_gradient(np.full_like(x, 2.0), x, activation=name)
    np.testing.assert_allclose(gradient, 2 * difference, rtol=1e-6, atol=2e-8)
