"""Element-wise kernels: every variant against the reference, the reference against exact or wider arithmetic."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext
from functools import cache
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
# Sums over the bit patterns of all float32 inputs 0, 4099, 8198, ...: they pin the functions' bits for good.
CHECKSUMS = {
    "exp": 26276104700483534,
    "log": 240196985485141267,
    "tanh": 9740514774967315725,
    "erf": 9765947455635958828,
}
# The same over all 2^32 float32 inputs.
ALL_INPUTS = {
    "exp": 16309385706150978300,
    "log": 13192131482710840968,
    "tanh": 16965582656615994178,
    "erf": 2366205925946138060,
}
# Errors of float32 in units in the last place, as docs/numerics_functions.md states them.
PUBLISHED = {"exp": 1.02, "log": 0.82, "tanh": 1.47, "erf": 1.21, "softplus": 2.81}
WORST = {  # every input between these is tried
    "exp": [(0.25, 88.72), (-87.0, -0.25)],
    "log": [(0.25, 4.0)],
    "tanh": [(0.25, 2.0)],
    "erf": [(0.5, 3.0)],
    "softplus": [(0.25, 16.0), (-32.0, -0.25)],
}
PUBLISHED_64 = {"exp": 0.96, "log": 0.77, "tanh": 1.35, "erf": 1.07}


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


def sampled(step: int) -> Any:
    return np.arange(0, 2**32, step, dtype="u8").astype("u4").view("f4")


@cache
def weights(count: int) -> Any:
    return np.arange(count, dtype="u8") % np.uint64(65521) + np.uint64(1)


def checksum(y: Any) -> int:
    """NaN counts as one pattern."""
    bits = y.view("u4").copy()
    bits[y != y] = 0x7FC00000
    return int((weights(len(bits)) * bits).sum(dtype="u8"))


@pytest.mark.parametrize("name", CHECKSUMS)
def test_sampled_checksum(name: str) -> None:
    x = sampled(4099)
    for variant in [*VARIANTS, "elementwise_reference"]:
        assert checksum(run(name, (x,), variant)) == CHECKSUMS[name], variant


@pytest.mark.slow
@pytest.mark.parametrize("variant", [*VARIANTS, "elementwise_reference"])
@pytest.mark.parametrize("name", ALL_INPUTS)
def test_checksum_of_all_inputs(name: str, variant: str) -> None:
    """Minutes each; those of blocks of 2^20 consecutive bit patterns, joined by total * 31 + checksum."""
    block, total = 1 << 20, 0
    for start in range(0, 2**32, block):
        x = np.arange(start, start + block, dtype="u8").astype("u4").view("f4")
        total = (total * 31 + checksum(run(name, (x,), variant, threads=2))) % 2**64
    assert total == ALL_INPUTS[name]


def ulps(y: Any, wide: Any, x: Any) -> float:
    with np.errstate(all="ignore"):
        exact = wide(x.astype("f8"))
        rounded = exact.astype("f4")
        usual = np.isfinite(rounded) & (exact != 0)
        _, exponent = np.frexp(exact[usual])
        unit = np.ldexp(1.0, np.maximum(exponent - 24, -149))
        assert same_bits(y[~usual], rounded[~usual])
        return float(np.max(np.abs(y[usual].astype("f8") - exact[usual]) / unit, initial=0))


def between(low: float, high: float) -> Any:
    """Every float32 between two of one sign."""
    first, last = sorted(np.array([low, high], "f4").view("u4").tolist())
    return np.arange(first, last, dtype="u4").view("f4")


def worst_error(name: str, x: Any) -> float:
    erf = np.vectorize(math.erf, otypes=["f8"])
    wide = {"erf": erf, "softplus": lambda x: np.logaddexp(0, x)}.get(name) or getattr(np, name)
    return max(ulps(run(name, (part,)), wide, part) for part in np.array_split(x, len(x) // 2**20 + 1))


@pytest.mark.parametrize("name", PUBLISHED)
def test_float32_accuracy(name: str) -> None:
    assert worst_error(name, sampled(40_009)) <= PUBLISHED[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_float32_accuracy_where_it_is_worst(name: str) -> None:
    assert worst_error(name, sampled(101)) <= PUBLISHED[name]
    worst = max(worst_error(name, between(*ends)) for ends in WORST[name])
    assert PUBLISHED[name] - 0.01 < worst <= PUBLISHED[name]


def decimal_function(name: str, x: float) -> Decimal:
    d = Decimal(x)
    if name == "exp":
        return d.exp()
    if name == "log":
        return d.ln()
    if name == "tanh":
        e = (2 * d).exp()
        return (e - 1) / (e + 1)
    total = term = d  # erf by its series
    n = 0
    while abs(term) > Decimal(10) ** -55:
        n += 1
        term = -term * d * d / n
        total += term / (2 * n + 1)
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
    return 2 * total / pi.sqrt()


@pytest.mark.parametrize("count", [150, pytest.param(50_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PUBLISHED_64)
def test_float64_accuracy(name: str, count: int) -> None:
    getcontext().prec = 60
    rng = np.random.default_rng(6)
    near = rng.standard_normal(count) * 10.0 ** rng.uniform(-3, 0, count)
    x = {
        "exp": np.concatenate([near, rng.uniform(-745, 709, count)]),
        "log": np.exp(np.concatenate([near, rng.uniform(-708, 709, count)])),
    }.get(name, np.concatenate([near, rng.uniform(-6, 6, count)]))
    worst = 0.0
    for value, result in zip(x.tolist(), run(name, (x,)).tolist(), strict=True):
        exact = decimal_function(name, value)
        worst = max(worst, float(abs(Decimal(result) - exact) / Decimal(math.ulp(float(exact)))))
    assert worst <= PUBLISHED_64[name]


def test_pow_accuracy_and_exact_powers() -> None:
    getcontext().prec = 60
    rng = np.random.default_rng(7)
    a = np.exp(rng.uniform(-300, 300, 150))
    b = rng.uniform(-1, 1, 150) * 700 / np.abs(np.log(a))
    for base, exponent, result in zip(a.tolist(), b.tolist(), st.pow(a, b).tolist(), strict=True):
        exact = (Decimal(exponent) * Decimal(base).ln()).exp()
        assert abs(Decimal(result) - exact) <= Decimal("0.8") * Decimal(math.ulp(float(exact)))
    a, b = np.exp(rng.uniform(-80, 80, 100_000)).astype("f4"), rng.uniform(-1, 1, 100_000).astype("f4")
    with np.errstate(all="ignore"):
        exact = np.power(a.astype("f8"), b.astype("f8"))
    unit = np.ldexp(1.0, np.frexp(exact)[1] - 24)
    assert np.max(np.abs(st.pow(a, b) - exact) / unit) <= 0.5001
    base, exponent = np.meshgrid(np.arange(-12.0, 13), np.arange(0.0, 14))
    assert np.array_equal(st.pow(base, exponent), base**exponent)
    small = exponent < 7
    base, exponent = base[small], exponent[small]
    assert np.array_equal(st.pow(base.astype("f4"), exponent.astype("f4")), base**exponent)


def test_pow_special_values() -> None:
    values = np.array([0.0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, np.inf, -np.inf, np.nan, 2.0**53, 2.0**53 + 2])
    a, b = np.meshgrid(values, values)
    with np.errstate(all="ignore"):
        expected = np.power(a, b)
    result = st.pow(a, b)
    usual = np.isfinite(expected) & (expected != 0)
    assert same_bits(np.where(usual, 0, result), np.where(usual, 0, expected))
    np.testing.assert_allclose(result[usual], expected[usual], rtol=4e-16)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in ("exp", "log", "sqrt", "erf", "abs", "neg")])
def test_gradients_match_differences(name: str) -> None:
    x = np.random.default_rng(8).standard_normal(200) * 3
    x = x[np.abs(x) > 1e-3]
    x = x[np.min(np.abs(np.abs(x)[:, None] - np.array([3.0, 6.0])), axis=1) > 1e-3]
    h = 1e-6
    difference = (run(name, (x + h,)) - run(name, (x - h,))) / (2 * h)
    gradient = st.activation_gradient(np.full_like(x, 2.0), x, activation=name)
    np.testing.assert_allclose(gradient, 2 * difference, rtol=1e-6, atol=2e-8)
