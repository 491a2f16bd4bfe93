"""Softmax and the norms: every variant against the reference, the reference against float64 formulas."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.kernels.test_elementwise import patterns, same_bits

VARIANTS = [n for n, _, present in _core.op("softmax").variants if present and n != "normalize_reference"]
DTYPES = ["f2", ml_dtypes.bfloat16, "f4", "f8"]


def calls(dtype: Any, seed: int = 1) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(dtype)

    x, c = draw(3, 12, 5, 7), draw(4, 12)
    channels = (c[0], c[1], c[2], np.abs(c[3]))
    last = x.transpose(0, 2, 3, 1)
    return [
        ("softmax", (x,), {}),
        ("softmax", (x,), {"axis": 1}),
        ("softmax", (x,), {"axis": (1, 3)}),
        ("softmax", (draw(2, 5000),), {}),
        ("log_softmax", (x,), {}),
        ("log_softmax", (draw(37, 100),), {"axis": 0}),
        ("softmax", (draw(37, 197) * 20,), {}),
        ("log_softmax", (draw(19, 300) * 20,), {}),
        ("softmax", (draw(5, 3, 64)[:, :2],), {}),
        ("softmax", (draw(4100, 71),), {"axis": 0}),
        ("softmax", (draw(3, 40, 5),), {"axis": 1}),
        ("layer_norm", (x, draw(7), draw(7)), {}),
        ("layer_norm", (x, None, draw(5, 7)), {"dims": 2}),
        ("layer_norm", (draw(2, 4100), draw(4100), None), {"eps": 1e-3}),
        ("rms_norm", (x, draw(7)), {}),
        ("rms_norm", (draw(3, 9000), None), {}),
        ("batch_norm", (x, *channels), {}),
        ("batch_norm", (x, None, None, *channels[2:]), {}),
        ("batch_norm", (last, *channels), {"layout": "NHWC"}),
        ("batch_norm", (last.copy(), *channels), {"layout": "NHWC"}),
        ("batch_norm", (c, *channels), {}),
        ("group_norm", (x, *channels[:2]), {"groups": 3}),
        ("group_norm", (x, None, None), {"groups": 12}),
        ("group_norm", (last.copy(), *channels[:2]), {"groups": 1, "layout": "NHWC"}),
        ("group_norm", (last.copy(), None, c[1]), {"groups": 3, "layout": "NHWC"}),
        ("group_norm", (draw(2, 3, 4, 2, 70), None, None), {"groups": 70, "layout": "NHWC"}),
    ]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_equal_the_reference(variant: str, dtype: Any) -> None:
    for name, inputs, attributes in calls(dtype):
        op = _core.op(name)
        expected = op(inputs, attributes, None, 1, "normalize_reference")
        for threads in (1, 3):
            assert same_bits(op(inputs, attributes, None, threads, variant), expected), (name, attributes)
        other_layout = (np.asfortranarray(inputs[0]), *inputs[1:])
        assert same_bits(op(other_layout, attributes, None, 1, variant), expected), (name, attributes)
        some_samples = op((inputs[0][1:], *inputs[1:]), attributes, None, 1, variant)
        if attributes.get("axis") != 0:
            assert same_bits(some_samples, expected[1:]), (name, attributes)


@settings(max_examples=40, deadline=None)
@given(
    rows=some.integers(1, 20), n=some.integers(1, 70), seed=some.integers(0, 99), dtype=some.sampled_from(["f4", "f8"])
)
def test_special_values(rows: int, n: int, seed: int, dtype: str) -> None:
    x = np.random.default_rng(seed).choice(patterns(dtype, 60, 2), (rows, n))
    for name in ("softmax", "log_softmax", "layer_norm", "rms_norm"):
        inputs = (x,) if "soft" in name else (x, None, None)[: 2 + (name == "layer_norm")]
        expected = _core.op(name)(inputs, {}, None, 1, "normalize_reference")
        for variant in VARIANTS:
            assert same_bits(_core.op(name)(inputs, {}, None, 1, variant), expected)
            if "soft" in name:
                assert same_bits(_core.op(name)((x.T.copy(),), {"axis": 0}, None, 1, variant), expected.T)


def formula(name: str, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    x, *rest = [None if v is None else np.asarray(v, "f8") for v in inputs]
    eps = attributes.get("eps", 1e-5)
    if "softmax" in name:
        axis = attributes.get("axis", -1)
        shifted = x - x.max(axis, keepdims=True)
        total = np.exp(shifted).sum(axis, keepdims=True)
        return shifted - np.log(total) if name == "log_softmax" else np.exp(shifted) / total
    rest = [*rest, None, None][:4]
    if name in ("layer_norm", "rms_norm"):
        axes = tuple(range(-attributes.get("dims", 1), 0))
        d = x - x.mean(axes, keepdims=True) if name == "layer_norm" else x
        y = d / np.sqrt((d * d).mean(axes, keepdims=True) + eps)
        gamma, beta = rest[:2]
    else:
        if attributes.get("layout") == "NHWC":
            y = formula(name, (np.moveaxis(x, -1, 1), *inputs[1:]), {**attributes, "layout": "NCHW"})
            return np.moveaxis(y, 1, -1)
        per_channel = (slice(None), *[None] * (x.ndim - 2))
        gamma, beta, mean, var = (None if v is None else v[per_channel] for v in rest)
        if name == "batch_norm":
            y = (x - mean) / np.sqrt(var + eps)
        else:
            grouped = x.reshape(len(x), attributes["groups"], -1)
            d = grouped - grouped.mean(2, keepdims=True)
            y = (d / np.sqrt((d * d).mean(2, keepdims=True) + eps)).reshape(x.shape)
    return y * (1 if gamma is None else gamma) + (0 if beta is None else beta)


@pytest.mark.parametrize(("dtype", "tolerance"), [("f8", 1e-13), ("f4", 1e-4), ("f2", 2e-2)])
def test_formulas(dtype: str, tolerance: float) -> None:
    for name, inputs, attributes in calls(dtype):
        result = _core.op(name)(inputs, attributes, None, 1, None)
        expected = formula(name, inputs, attributes)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(result.astype("f8"), expected, rtol=tolerance, atol=tolerance * scale)


def test_a_row_of_minus_infinity_is_nan() -> None:
    assert np.isnan(st.softmax(np.full(3, -np.inf, "f4"))).all()
    assert st.softmax(np.float32([-np.inf, 0])).tolist() == [0, 1]


@pytest.mark.parametrize("spread", [2, 30, 41, 60])
@pytest.mark.parametrize("variant", VARIANTS)
def test_quotients_of_softmax_round_right(variant: str, spread: int) -> None:
    """A product by the reciprocal of the sum alone would be off in about half of them."""
    x = (np.random.default_rng(11).random((20_000, 9)) * -spread).astype("f4")
    op = _core.op("softmax")
    assert same_bits(op((x,), {}, None, 1, variant), op((x,), {}, None, 1, "normalize_reference"))


def test_batch_norm_is_the_epilogue_of_matmul() -> None:
    rng = np.random.default_rng(3)
    a, b, c = (rng.standard_normal(s).astype("f4") for s in ((9, 20), (20, 6), (4, 6)))
    scale = c[0] / np.sqrt(np.abs(c[3]) + np.float32(1e-5))
    shift = st.batch_norm(np.zeros((1, 6), "f4"), c[0], c[1], c[2], np.abs(c[3]))[0]
    fused = st.matmul(a, b, scale=scale, shift=shift)
    assert same_bits(st.batch_norm(st.matmul(a, b), c[0], c[1], c[2], np.abs(c[3])), fused)
