"""Products of 8-bit and 16-bit integers in int32: every variant against NumPy's int64 product modulo 2^32."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import stretto as st
from hypothesis import HealthCheck, given, settings, strategies
from stretto import _core

from tests.kernels.test_matmul import laid_out, layouts

matmul = _core.op("matmul")
INT32 = {"dtype": np.dtype("int32")}
VARIANTS = [name for name, _, present in matmul.variants if present and name.startswith("matmul_narrow")]
BYTES = list(itertools.product(["int8", "uint8"], repeat=2))
TYPES = [*BYTES, ("int16", "int16")]


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Any values, a fifth of them the extremes."""
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, shape, endpoint=True)
    return np.where(rng.random(shape) < 0.2, rng.choice([info.min, info.max], shape), x).astype(dtype)


def exact(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.matmul(a.astype("i8"), b.astype("i8")).astype("i4")


def check(a: np.ndarray, b: np.ndarray, threads: tuple[int, ...] = (1, 3)) -> None:
    expected = exact(a, b)
    for name, count in itertools.product([*VARIANTS, "matmul_reference"], threads):
        got = matmul((a, b), INT32, None, count, name)
        assert got.dtype == np.int32
        assert np.array_equal(got, expected), f"{name}, {count} threads, {a.shape} @ {b.shape}"


def test_every_machine_has_a_row_for_them() -> None:
    for archs in (["avx2"], ["avx2", "avx512"], ["avx2", "avx512", "avx512vnni"], ["neon"]):
        row = matmul.select([("uint8", (9, 9)), ("int8", (9, 9))], INT32, archs)
        built = [name for name, _, _ in matmul.variants]
        wanted = [name for arch in reversed(archs) if (name := f"matmul_narrow_{arch}") in built]
        assert row == (wanted or ["matmul_reference"])[0]


def test_without_dtype_products_wrap_as_numpy_s() -> None:
    rng = np.random.default_rng(0)
    for dtype in ("int8", "uint8", "int16", "uint16"):
        a, b = draw(rng, (20, 50), dtype), draw(rng, (50, 30), dtype)
        assert st.matmul(a, b).dtype == dtype
        assert np.array_equal(st.matmul(a, b), np.matmul(a, b))
        # `out` never changes the arithmetic.
        out = np.empty((20, 30), "i8")
        assert np.array_equal(st.matmul(a, b, out=out), np.matmul(a, b))


@pytest.mark.parametrize(("left", "right"), TYPES)
def test_as_numpy_computes_with_dtype_int32(left: str, right: str) -> None:
    rng = np.random.default_rng(1)
    a, b = draw(rng, (3, 20, 50), left), draw(rng, (50, 30), right)
    expected = np.matmul(a, b, dtype=np.int32)
    assert np.array_equal(st.matmul(a, b, dtype=np.int32), expected)
    assert np.array_equal(st.matmul(a, b, dtype=np.int32, out=np.empty_like(expected)), expected)
    assert np.array_equal(st.matmul(a[0, 0], b, dtype=np.int32), expected[0, 0])
    assert np.array_equal(st.matmul(a, b[:, 0], dtype=np.int32), expected[..., 0])


def test_other_pairs_are_converted() -> None:
    rng = np.random.default_rng(2)
    for left, right in [("int8", "int16"), ("uint16", "uint16"), ("int8", "int32"), ("bool", "int8")]:
        a = draw(rng, (5, 70), left) if left != "bool" else rng.random((5, 70)) < 0.5
        b = draw(rng, (70, 9), right)
        assert np.array_equal(st.matmul(a, b, dtype=np.int32), exact(a, b))


@pytest.mark.parametrize(("left", "right"), TYPES)
def test_extremes_of_long_sums(left: str, right: str) -> None:
    """All terms at an extreme: an instruction that saturates anywhere would show, and so do sums beyond int32."""
    ends = [(np.iinfo(dtype).min, np.iinfo(dtype).max) for dtype in (left, right)]
    for k in (1, 2, 3, 4, 5, 127, 1025, 4099, 140_001):
        for x, y in itertools.product(*ends):
            check(np.full((2, k), x, left), np.full((k, 3), y, right), threads=(1,))


@pytest.mark.parametrize(("left", "right"), TYPES)
def test_shapes_with_every_edge(left: str, right: str) -> None:
    rng = np.random.default_rng(3)
    for m, k, n in [
        (1, 0, 5), (4, 1, 1), (13, 7, 31), (14, 64, 32), (15, 66, 33), (29, 131, 65), (1, 300, 70),
        (70, 1024, 40), (6, 2049, 17), (9, 5001, 3), (200, 37, 210),
    ]:  # fmt: skip
        check(draw(rng, (m, k), left), draw(rng, (k, n), right))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    strategies.integers(1, 40),
    strategies.integers(0, 90),
    strategies.integers(1, 70),
    strategies.sampled_from([(), (2,), (3, 1)]),
    strategies.sampled_from([(), (2,), (1,)]),
    layouts,
    layouts,
    strategies.sampled_from(TYPES),
    strategies.integers(0, 99),
)
def test_drawn_layouts(m, k, n, a_batch, b_batch, a_layout, b_layout, types, seed):
    rng = np.random.default_rng(seed)
    a = laid_out(draw(rng, (*a_batch, m, k), types[0]), a_layout)
    b = laid_out(draw(rng, (*b_batch, k, n), types[1]), b_layout)
    check(a, b)
    if types[0] == types[1]:
        for name in VARIANTS:
            assert np.array_equal(matmul((a, b), {}, None, 2, name), np.matmul(a, b))


@pytest.mark.parametrize(("left", "right"), TYPES)
def test_bias_and_residual_are_int32(left: str, right: str) -> None:
    rng = np.random.default_rng(4)
    a, b = draw(rng, (2, 20, 50), left), draw(rng, (50, 40), right)
    bias, residual = draw(rng, (40,), "int32"), draw(rng, (2, 20, 1), "int32")
    with np.errstate(over="ignore"):
        expected = exact(a, b) + bias + residual
    for name in [*VARIANTS, "matmul_reference"]:
        assert np.array_equal(matmul((a, b, bias, None, None, residual), INT32, None, 1, name), expected)


@pytest.mark.parametrize(("left", "right"), TYPES)
def test_a_prepared_weight_serves_with_either_kind_of_a(left: str, right: str) -> None:
    rng = np.random.default_rng(5)
    for k, n in [(1, 1), (50, 33), (3000, 40), (65, 100)]:
        b = draw(rng, (k, n), right)
        for w in (b, np.asfortranarray(b)):
            prepared, in_int32 = st.prepare(w, op="matmul"), st.prepare(w, op="matmul", dtype=np.int32)
            for m in (1, 7, 60):
                a = draw(rng, (m, k), left)
                for weight in (prepared, in_int32):
                    assert np.array_equal(st.matmul(a, weight, dtype=np.int32), exact(a, b))
                    for name in VARIANTS:  # also those that did not make the panels
                        assert np.array_equal(matmul((a, weight), INT32, None, 2, name), exact(a, b))
                if left == right:
                    assert np.array_equal(st.matmul(a, prepared), np.matmul(a, b))


@pytest.mark.parametrize(("left", "right"), BYTES)
def test_one_column_into_a_strided_result(left: str, right: str) -> None:
    """It is computed as one row, and no more turned round."""
    rng = np.random.default_rng(2)
    a, b = draw(rng, (37, 50), left), draw(rng, (50, 1), right)
    wide = np.zeros((37, 4), "i4")
    for out, x, y in (
        (wide[:, :1], a, b),
        (wide[:, 1:2].T, np.asfortranarray(b.astype(left)).T, np.asfortranarray(a.astype(right).T)),
    ):
        expected = exact(x, y)
        for name in VARIANTS:
            matmul((x, y), INT32, out, 1, name)
            assert np.array_equal(out, expected), f"{name}, {left} @ {right}"
