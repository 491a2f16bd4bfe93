"""matmul and vecdot as users call them: NumPy's rules, exact sums, errors, schedule-independent bits."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as hs
from stretto import _core

from tests.kernels.test_matmul import same_bits, values


def rounded_to(x: Fraction, digits: int, least_exponent: int | None) -> Fraction:
    """To nearest even in binary, with `digits` digits and exponents down to the least (None: any)."""
    if x == 0:
        return x
    exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
    if abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    assert Fraction(2) ** exponent <= abs(x) < Fraction(2) ** (exponent + 1)
    if least_exponent is not None:
        exponent = max(exponent, least_exponent)
    unit = Fraction(2) ** (exponent - digits + 1)
    return round(x / unit) * unit  # Python rounds halves to even


def exact_chain(a, b, digits: int, least: int) -> float:
    total = None
    for start in range(0, len(a), 4096):
        acc = Fraction(0)
        for x, y in zip(a[start : start + 4096], b[start : start + 4096], strict=True):
            acc = rounded_to(Fraction(float(x)) * Fraction(float(y)) + acc, digits, least)
        total = acc if total is None else rounded_to(total + acc, digits, least)
    return float(total or 0)


@pytest.mark.parametrize(("dtype", "digits", "least"), [("float32", 24, -126), ("float64", 53, -1022)])
@pytest.mark.parametrize("spread", ["normal", "wide", "tiny"])
def test_reference_is_exact_arithmetic_rounded_once_a_step(dtype, digits, least, spread):
    rng = np.random.default_rng(5)
    for k in (1, 2, 9, 40):
        a, b = values(rng, (3, k), dtype, spread), values(rng, (k, 4), dtype, spread)
        if spread == "wide":
            a, b = np.ldexp(a, -20).astype(dtype), np.ldexp(b, -20).astype(dtype)
        got = _core.op("matmul")((a, b), {}, None, 1, "matmul_reference")
        expected = [[exact_chain(a[i], b[:, j], digits, least) for j in range(4)] for i in range(3)]
        assert np.array_equal(got, np.array(expected, dtype))


def test_reference_restarts_the_chain_every_4096_terms():
    rng = np.random.default_rng(6)
    a, b = values(rng, (1, 8200), "float32"), values(rng, (8200, 1), "float32")
    assert st.matmul(a, b)[0, 0] == np.float32(exact_chain(a[0], b[:, 0], 24, -126))


def exact_pairs(a, b) -> float:
    def flushed(x: Fraction) -> Fraction:
        x = rounded_to(x, 24, None)
        return Fraction(0) if abs(x) < Fraction(2) ** -126 else x

    acc = Fraction(0)
    for start in range(0, len(a), 32):
        chains = [Fraction(0), Fraction(0)]
        for i, (x, y) in enumerate(zip(a[start : start + 32], b[start : start + 32], strict=True)):
            terms = [Fraction(float(v)) if abs(float(v)) >= 2.0**-126 else Fraction(0) for v in (x, y)]
            chains[i % 2] = flushed(terms[0] * terms[1] + chains[i % 2])
        acc = flushed(acc + flushed(chains[0] + chains[1]))
    return float(acc)


@pytest.mark.parametrize("spread", ["normal", "tiny"])
def test_bfloat16_is_exact_arithmetic_in_pairs(spread):
    rng = np.random.default_rng(7)
    for k in (1, 2, 31, 32, 33, 100):
        a, b = values(rng, (3, k), "bfloat16", spread), values(rng, (k, 4), "bfloat16", spread)
        out = np.empty((3, 4), "f4")
        st.matmul(a, b, out=out)
        assert out.tolist() == [[exact_pairs(a[i], b[:, j]) for j in range(4)] for i in range(3)]


@pytest.mark.parametrize("variant", [name for name, _, present in _core.op("matmul").variants if present])
@pytest.mark.parametrize(("small", "expected"), [(-150, 0.0), (-160, 2.0**-126)])
def test_bfloat16_flushes_after_rounding(variant, small, expected):
    """2^-126 - 2^-150 has 24 digits below 2^-126, so it is zero; 2^-126 - 2^-160 rounds to 2^-126."""
    if "half" not in variant and "reference" not in variant:
        variant = "matmul_reference"
    a = np.zeros((1, 4), ml_dtypes.bfloat16)
    b = np.zeros((4, 1), ml_dtypes.bfloat16)
    a[0, 0], b[0, 0] = 2.0**-63, 2.0**-63
    a[0, 2], b[2, 0] = -(2.0 ** (small // 2)), 2.0 ** (small - small // 2)
    out = np.empty((1, 1), "f4")
    assert _core.op("matmul")((a, b), {}, out, 1, variant)[0, 0] == expected


def test_dtypes_of_results():
    for a, b, expected in [
        ("f4", "f4", "f4"),
        ("f4", "f8", "f8"),
        ("i1", "i1", "i1"),
        ("i4", "f4", "f8"),
        ("?", "?", "?"),
    ]:
        got = st.matmul(np.ones((2, 3), a), np.ones((3, 2), b))
        assert got.dtype == np.matmul(np.ones((2, 3), a), np.ones((3, 2), b)).dtype == np.dtype(expected)
    half = np.ones((2, 2), ml_dtypes.bfloat16)
    assert st.matmul(half, half).dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_wrap_as_numpy_does(dtype):
    rng = np.random.default_rng(8)
    a, b = values(rng, (20, 70), dtype), values(rng, (70, 33), dtype)
    assert np.array_equal(st.matmul(a, b), np.matmul(a, b))


def test_int8_products_in_int32_are_exact():
    rng = np.random.default_rng(9)
    a, b = values(rng, (30, 300), "i1"), values(rng, (300, 40), "i1")
    got = st.matmul(a, b, dtype=np.int32)
    assert got.dtype == np.int32
    assert np.array_equal(got, a.astype("i8") @ b.astype("i8"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_wide_out_skips_the_rounding(dtype):
    rng = np.random.default_rng(10)
    a, b = values(rng, (6, 50), dtype), values(rng, (50, 20), dtype)
    wide = np.empty((6, 20), "f4")
    st.matmul(a, b, out=wide)
    narrow = st.matmul(a, b)
    assert np.array_equal(wide.astype(narrow.dtype), narrow)
    assert not np.array_equal(wide, narrow.astype("f4"))


@settings(max_examples=40, deadline=None)
@given(
    hs.integers(1, 20), hs.integers(1, 20), hs.integers(1, 200), hs.integers(1, 40), hs.sampled_from(["f4", "f2", "f8"])
)
def test_a_slice_of_the_batch_has_the_same_bits(count, m, k, n, dtype):
    rng = np.random.default_rng(11)
    a, b, w = values(rng, (count, m, k), dtype), values(rng, (count, k, n), dtype), values(rng, (k, n), dtype)
    whole, shared = st.matmul(a, b), st.matmul(a, w)
    rows = st.matmul(a[:, 0], w)
    for i in range(count):
        assert same_bits(whole[i : i + 1], st.matmul(a[i : i + 1], b[i : i + 1]))
        assert same_bits(shared[i : i + 1], st.matmul(a[i : i + 1], w))
        assert same_bits(rows[i : i + 1], st.matmul(a[i : i + 1, 0], w))


def test_out_is_not_read():
    a, b = np.ones((5, 600), "f4"), np.ones((600, 70), "f4")
    for k in (0, 600):
        out = np.full((5, 70), np.nan, "f4")
        assert st.matmul(a[:, :k], b[:k], out=out) is out
        assert np.all(out == k)


TWO = np.ones((2, 2))
BIG = np.broadcast_to(np.float32(1), (2**21, 1, 2**10, 1))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda o: st.matmul(np.ones((8, 2, 3)), np.ones((5, 4)), out=o),
            ValueError,
            r"matmul: inner dimensions differ: a is \(8, 2, 3\), b is \(5, 4\); a's last \(3\)",
        ),
        (lambda o: st.matmul(np.ones((2, 2, 3)), np.ones((3, 3, 4)), out=o), ValueError, "shapes do not broadcast"),
        (lambda o: st.matmul(np.ones(()), np.ones((3, 4)), out=o), ValueError, "at least one dimension"),
        (lambda o: st.matmul(TWO.astype(complex), TWO, out=o), TypeError, "complex128"),
        (lambda o: st.matmul(TWO.astype(object), TWO, out=o), TypeError, "object"),
        (
            lambda o: st.matmul(TWO, TWO, bias=np.ones(3), out=o),
            ValueError,
            "bias does not broadcast",
        ),
        (lambda o: st.matmul(TWO, TWO, scale=np.ones(2), out=o), ValueError, "come together"),
        (
            lambda o: st.matmul(TWO, TWO, activation="rely", out=o),
            ValueError,
            "unknown activation",
        ),
        (
            lambda o: st.matmul(TWO, TWO, precision="low", out=o),
            ValueError,
            "unknown precision",
        ),
        (lambda o: st.matmul(TWO, TWO, threads=0, out=o), ValueError, "threads"),
        (
            lambda o: st.matmul(TWO.astype("f2"), TWO.astype(ml_dtypes.bfloat16), out=o),
            TypeError,
            "no common dtype",
        ),
        (lambda o: st.matmul(BIG, BIG.transpose(1, 0, 3, 2), out=o), ValueError, "too large"),
        (lambda o: st.vecdot(np.ones((2, 3)), np.ones((2, 4)), out=o), ValueError, "lengths differ"),
        (lambda o: st.vecdot(np.ones(3), np.ones(3), axis=1, out=o), ValueError, "axis is out of range"),
    ],
)
def test_wrong_calls_say_what_is_wrong_and_leave_out_alone(call, error, text):
    with pytest.raises(error, match=text):
        call(None)
    out = np.full((2, 2), 7.0)
    with pytest.raises(error):
        call(out)
    assert np.all(out == 7)


def test_out_that_does_not_fit():
    a = np.ones((2, 2))
    locked = np.zeros((2, 2))
    locked.setflags(write=False)
    for out, error in [
        (locked, ValueError),
        (np.zeros((3, 2)), ValueError),
        (np.zeros((2, 2), int), TypeError),
        ([[0]], TypeError),
    ]:
        with pytest.raises(error, match="matmul: "):
            st.matmul(a, a, out=out)


VECDOTS = [
    ((5, 33), (5, 33), -1),
    ((7, 3), (7, 3), 0),
    ((2, 1, 40), (3, 40), -1),
    ((10000,), (10000,), 0),
    ((0,), (0,), 0),
    ((2, 0), (2, 0), 1),
    ((2, 70000), (2, 70000), -1),
    ((4100, 3), (4100, 1), -2),
]


def test_vecdot():
    rng = np.random.default_rng(12)
    variants = [name for name, _, present in _core.op("vecdot").variants if present]
    for dtype in ["f4", "f8", "f2", "bfloat16", "i2", "?"]:
        for shape_a, shape_b, axis in VECDOTS:
            for spread in ("normal", "special"):
                a, b = values(rng, shape_a, dtype, spread), values(rng, shape_b, dtype, spread)
                expected = _core.op("vecdot")((a, b), {"axis": axis}, None, 1, "vecdot_reference")
                for name in variants:
                    if np.dtype(dtype).kind in "ib" and name != "vecdot_reference":
                        continue
                    for threads in (1, 3):
                        got = _core.op("vecdot")((a, b), {"axis": axis}, None, threads, name)
                        assert same_bits(np.asarray(got), np.asarray(expected)), (name, dtype, shape_a, threads)
    a, b = rng.standard_normal(100), rng.standard_normal(100)
    stripes = [Fraction(0)] * 16
    for k in range(100):
        stripes[k % 16] = rounded_to(Fraction(a[k]) * Fraction(b[k]) + stripes[k % 16], 53, -1022)
    for half in (8, 4, 2, 1):
        stripes = [rounded_to(stripes[j] + stripes[j + half], 53, -1022) for j in range(half)]
    assert st.vecdot(a, b) == float(stripes[0])
