"""The convolution kernels: every variant against the reference, the reference against plain arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.cases.conv import CASES

OPS = {r: _core.op(f"conv{r}d") for r in (1, 2, 3)}
VARIANTS = [name for name, _, present in OPS[2].variants if present and name != "conv_reference"]


def run(x: Any, w: Any, options: dict[str, Any], variant: str | None = None, **more: Any) -> Any:
    epilogue = [more.pop(name, None) for name in ("bias", "scale", "shift", "residual")]
    return OPS[x.ndim - 2]((x, w, *epilogue), {**options, **more}, None, 2, variant)


def same_bits(a: Any, b: Any) -> bool:
    """Equal bits, NaN payloads and signs aside."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    nan = np.isnan(a.astype("f8")) & np.isnan(b.astype("f8"))
    unsigned = f"u{a.dtype.itemsize}"
    return bool(np.all(nan | (np.ascontiguousarray(a).view(unsigned) == np.ascontiguousarray(b).view(unsigned))))


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    return rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_equal_the_reference(name: str, dtype: str, variant: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(1)
    x, w = draw(rng, x_shape, dtype), draw(rng, w_shape, dtype)
    expected = run(x, w, options, "conv_reference")
    try:
        result = run(x, w, options, variant)
    except NotImplementedError:
        return  # this row does not take such a shape; that each shape has a row is the next test
    assert same_bits(result, expected)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_what_selection_takes_equals_the_reference(name: str, layout: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(2)
    x, w = draw(rng, x_shape, "f4"), draw(rng, w_shape, "f4")
    outputs = w.shape[0]
    epilogue = {n: draw(rng, (outputs,), "f4") for n in ("bias", "scale", "shift")}
    shape = run(x, w, options).shape
    residual = draw(rng, shape, "f4")
    expected = run(x, w, options, "conv_reference", **epilogue, residual=residual, activation="relu")
    if layout == "NHWC":
        x, residual = np.moveaxis(x, 1, -1).copy(), np.moveaxis(residual, 1, -1).copy()
        options = {**options, "layout": "NHWC"}
        expected = np.moveaxis(expected, 1, -1)
    assert same_bits(run(x, w, options, None, **epilogue, residual=residual, activation="relu"), expected)
    prepared = st.prepare(w, op=f"conv{x.ndim - 2}d", **options)
    assert same_bits(run(x, prepared, options, None, **epilogue, residual=residual, activation="relu"), expected)


EPILOGUES = {
    "bias": ("bias",),
    "scale": ("scale", "shift"),
    "residual": ("residual",),
    "of_channels": ("bias", "scale", "shift"),
    "all": ("bias", "scale", "shift", "residual"),
}


@pytest.mark.parametrize(
    "name",
    [
        "1x1",
        "1x1_flat",
        "1x1_to_few",
        "first_narrow",
        "groups_few",
        "3x3_7",
        "map_4x4",
        "depthwise3",
        "depthwise3_12x12",
        "few_outputs_small",
    ],
)
@pytest.mark.parametrize("epilogue", EPILOGUES)
@pytest.mark.parametrize("activation", [None, "relu", "relu6", "leaky_relu", "silu"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_epilogues_equal_the_reference(name: str, epilogue: str, activation: str | None, dtype: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(4)
    x, w = draw(rng, x_shape, dtype), 4 * draw(rng, w_shape, dtype)
    x[0, 0, 0, 0], x[-1, -1, -1, -1] = np.nan, np.inf
    w[1] = 0
    terms = {n: draw(rng, w_shape[:1], dtype) for n in ("bias", "scale", "shift")}
    terms["residual"] = draw(rng, run(x, w, options).shape, dtype)
    for term in terms.values():  # of sums that are +0: what is -0 stays so
        term[1 if term.ndim == 1 else (slice(None), 1)] = -0.0
    terms["scale"][1] = -1
    more = {n: terms[n] for n in EPILOGUES[epilogue]} | {"activation": activation}
    expected = run(x, w, options, "conv_reference", **more)
    assert epilogue != "scale" or activation == "silu" or np.signbit(expected[:, 1]).any()
    for variant in (None, *VARIANTS):
        try:
            assert same_bits(run(x, w, options, variant, **more), expected), variant
        except NotImplementedError:
            continue  # this row does not take such a shape


@pytest.mark.parametrize("name", ["1x1", "1x1_flat", "3x3_7", "map_4x4", "depthwise3", "depthwise3_12x12"])
@pytest.mark.parametrize("epilogue", ["bias", "scale", "residual"])
@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_epilogues_with_channels_last_equal_the_reference(name: str, epilogue: str, activation: str | None) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(5)
    x, w = np.moveaxis(draw(rng, x_shape, "f4"), 1, -1).copy(), 4 * draw(rng, w_shape, "f4")
    options = {**options, "layout": "NHWC"}
    x[0, 0, 0, 0] = np.nan
    w[1] = 0
    terms = {n: draw(rng, w_shape[:1], "f4") for n in ("bias", "scale", "shift")}
    terms["residual"] = draw(rng, run(x, w, options).shape, "f4")
    for term in terms.values():
        term[..., 1] = -0.0
    more = {n: terms[n] for n in EPILOGUES[epilogue]} | {"activation": activation}
    expected = run(x, w, options, "conv_reference", **more)
    for variant in (None, *VARIANTS):
        try:
            assert same_bits(run(x, w, options, variant, **more), expected), variant
        except NotImplementedError:
            continue  # this row does not take such a shape


def exact(x: Any, w: Any, stride: int, padding: int, dilation: int, groups: int) -> list[Fraction]:
    """conv2d in rational arithmetic, flat in C order."""
    n, _, h, width = x.shape
    outputs, channels, kh, kw = w.shape
    oh = (h + 2 * padding - (kh - 1) * dilation - 1) // stride + 1
    ow = (width + 2 * padding - (kw - 1) * dilation - 1) // stride + 1
    results = []
    for s, o, i, j in np.ndindex(n, outputs, oh, ow):
        total = Fraction(0)
        for c, a, b in np.ndindex(channels, kh, kw):
            y, z = i * stride + a * dilation - padding, j * stride + b * dilation - padding
            if 0 <= y < h and 0 <= z < width:
                channel = o // (outputs // groups) * channels + c
                total += Fraction(float(x[s, channel, y, z])) * Fraction(float(w[o, c, a, b]))
        results.append(total)
    return results


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4"])
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 2), (1, 2, 2, 1)])
def test_reference_is_near_the_exact_sum(dtype: str, stride: int, padding: int, dilation: int, groups: int) -> None:
    rng = np.random.default_rng(3)
    x = (rng.standard_normal((1, 4, 5, 6)) * 8).astype(dtype)
    w = (rng.standard_normal((4, 4 // groups, 3, 2)) * 8).astype(dtype)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    got = run(x, w, options, "conv_reference").ravel()
    size = run(np.abs(x).astype("f8"), np.abs(w).astype("f8"), options, "conv_reference").ravel()
    for value, true, bound in zip(got, exact(x, w, stride, padding, dilation, groups), size, strict=True):
        eps = 0 if dtype == "i4" else np.finfo(dtype).eps * (1 if dtype == "f2" else w[0].size)
        assert abs(float(Fraction(float(value)) - true)) <= float(bound) * eps


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "u8"])
def test_integer_variants_equal_the_reference(name: str, dtype: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(4)
    low, high = (0, 2) if dtype == "?" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    x, w = (
        rng.integers(low, high, shape, np.uint64 if dtype == "u8" else np.int64).astype(dtype)
        for shape in (x_shape, w_shape)
    )
    expected = run(x, w, options, "conv_reference")
    for variant in (None, *(v for v in VARIANTS if v.startswith(("conv_integer", "conv_narrow")))):
        try:
            assert np.array_equal(run(x, w, options, variant), expected)
        except NotImplementedError:  # sums of no terms are the reference's
            assert w[0].size == 0 or (variant and variant.startswith("conv_narrow"))


def test_integers_wrap() -> None:
    x, w = np.full((1, 2, 3, 3), 100, "i1"), np.full((1, 2, 2, 2), 7, "i1")
    assert np.all(st.conv2d(x, w) == np.int64(8 * 700).astype("i1"))
    assert np.all(st.conv2d(x, w, dtype=np.int32) == 8 * 700)


def test_padding_takes_part() -> None:
    x = np.ones((1, 1, 2, 2), "f4")
    w = np.full((1, 1, 3, 3), np.inf, "f4")
    assert np.isnan(st.conv2d(x, w, padding=1)).all()
    assert np.isinf(st.conv2d(x, w[:, :, :2, :2])).all()


PADDED = [name for name, (_, w, options) in CASES.items() if "padding" in options and w[1] >= 8]


@pytest.mark.parametrize("name", PADDED)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_left_out_keeps_the_sign_of_zero(name: str, dtype: str, variant: str) -> None:
    """Products that underflow leave sums of -0, which one more product of padding would turn into +0."""
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(5)
    tiny = np.sqrt(np.finfo(dtype).smallest_subnormal) / 8
    x = rng.choice([tiny, 0, 1], x_shape, p=[0.98, 0.01, 0.01]).astype(dtype)
    w = rng.choice([-tiny, 0], w_shape, p=[0.9, 0.1]).astype(dtype)
    w[::3] = -tiny
    expected = run(x, w, options, "conv_reference")
    try:
        result = run(x, w, options, variant)
    except NotImplementedError:
        return
    assert np.signbit(expected).any()
    assert same_bits(result, expected)


@pytest.mark.parametrize("name", PADDED)
@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_meets_weights_that_are_not_finite(name: str, value: float, variant: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(6)
    x, w = draw(rng, x_shape, "f4"), draw(rng, w_shape, "f4")
    w.flat[rng.integers(0, w.size, 3)] = value
    expected = run(x, w, options, "conv_reference")
    try:
        result = run(x, w, options, variant)
    except NotImplementedError:
        return
    assert np.isnan(expected).any()
    assert np.isfinite(expected).any()
    assert same_bits(result, expected)


@pytest.mark.skipif("conv_channels_avx2" not in {name for name, _, _ in OPS[2].variants}, reason="not built for x86-64")
@pytest.mark.parametrize(
    ("x", "w", "kernel"),
    [
        ((32, 64, 1, 1), (64, 64, 1, 1), "channels"),
        ((32, 64, 3, 3), (128, 64, 1, 1), "channels"),
        ((32, 64, 3, 3), (4, 64, 1, 1), "pixels"),
        ((8, 128, 14, 14), (64, 128, 1, 1), "channels"),
        ((8, 24, 14, 14), (96, 24, 1, 1), "pixels"),
        ((1, 64, 56, 56), (64, 64, 1, 1), "pixels"),
        ((1, 3, 56, 56), (64, 3, 3, 3), "pixels"),
        ((1, 64, 56, 56), (64, 64, 3, 3), "channels"),
    ],
)
def test_maps_that_fill_no_vectors_select_the_channels_kernel(
    x: tuple[int, ...], w: tuple[int, ...], kernel: str
) -> None:
    assert OPS[2].select([("float32", x), ("float32", w)], {}, ["avx2"]) == f"conv_{kernel}_avx2"


def test_a_prepared_weight_serves_maps_of_all_sizes() -> None:
    rng = np.random.default_rng(7)
    w = draw(rng, (48, 64, 1, 1), "f4")
    prepared = st.prepare(w, op="conv2d")
    for size in (1, 3, 14, 33):
        x = draw(rng, (2, 64, size, size), "f4")
        assert same_bits(st.conv2d(x, prepared), run(x, w, {}, "conv_reference"))
