"""conv1d, conv2d, conv3d as the user meets them: options, errors, layouts, threads, batches."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.kernels.test_conv import draw, same_bits

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-40, 3e38, 1.0, -2.5], "f4")


def im2col(x: Any, kernel: tuple[int, int], stride: int, dilation: int) -> Any:
    """Columns (C * kh * kw, N * oh * ow) of an already padded input."""
    kh, kw = kernel
    oh = (x.shape[2] - (kh - 1) * dilation - 1) // stride + 1
    ow = (x.shape[3] - (kw - 1) * dilation - 1) // stride + 1
    taps = [
        x[
            :,
            :,
            a * dilation : a * dilation + (oh - 1) * stride + 1 : stride,
            b * dilation : b * dilation + (ow - 1) * stride + 1 : stride,
        ]
        for a, b in np.ndindex(kh, kw)
    ]
    return np.stack(taps, 2).transpose(1, 2, 0, 3, 4).reshape(x.shape[1] * kh * kw, -1), (oh, ow)


@settings(max_examples=60, deadline=None)
@given(data=some.data())
def test_equals_matmul_of_im2col(data: Any) -> None:
    whole = lambda low, high: data.draw(some.integers(low, high))  # noqa: E731
    n, channels, outputs = whole(1, 3), whole(1, 20), whole(1, 40)
    h, width, kh, kw = whole(1, 12), whole(1, 40), whole(1, 4), whole(1, 5)
    stride, dilation = whole(1, 3), whole(1, 3)
    pads = tuple((whole(0, 3), whole(0, 3)) for _ in range(2))
    spans = [(k - 1) * dilation + 1 - size - sum(pad) for k, size, pad in zip((kh, kw), (h, width), pads, strict=True)]
    h, width = h + max(0, spans[0]), width + max(0, spans[1])
    rng = np.random.default_rng(whole(0, 2**32 - 1))
    dtype = data.draw(some.sampled_from(["f4", "f8"]))
    x, w = draw(rng, (n, channels, h, width), dtype), draw(rng, (outputs, channels, kh, kw), dtype)
    if data.draw(some.booleans()):
        for array in (x, w):
            places = rng.integers(0, array.size, max(1, array.size // 20))
            array.flat[places] = rng.choice(SPECIAL, places.size)
    columns, (oh, ow) = im2col(np.pad(x, ((0, 0), (0, 0), *pads)), (kh, kw), stride, dilation)
    expected = st.matmul(w.reshape(outputs, -1), columns).reshape(outputs, n, oh, ow).transpose(1, 0, 2, 3)
    options = {"stride": stride, "padding": pads, "dilation": dilation}
    assert same_bits(st.conv2d(x, w, **options), expected)
    last = st.conv2d(np.moveaxis(x, 1, -1), w, layout="NHWC", **options)
    assert same_bits(np.moveaxis(last, -1, 1), expected)
    for variant, _, present in _core.op("conv2d").variants:
        if not present:
            continue
        try:
            result = _core.op("conv2d")((x, w, None, None, None, None), options, None, 1, variant)
        except NotImplementedError:
            continue
        assert same_bits(result, expected), variant


@settings(max_examples=40, deadline=None)
@given(data=some.data())
def test_groups_are_separate_convolutions(data: Any) -> None:
    whole = lambda low, high: data.draw(some.integers(low, high))  # noqa: E731
    groups, inputs, outputs = whole(1, 20), whole(1, 5), whole(1, 5)
    k, stride, dilation, padding = whole(1, 5), whole(1, 3), whole(1, 2), whole(0, 3)
    size = (k - 1) * dilation + 1
    rng = np.random.default_rng(whole(0, 2**32 - 1))
    x = draw(rng, (2, groups * inputs, size + whole(0, 9), size + whole(0, 40)), "f4")
    w = draw(rng, (groups * outputs, inputs, k, k), "f4")
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    parts = [
        st.conv2d(x[:, g * inputs : (g + 1) * inputs], w[g * outputs : (g + 1) * outputs], **options)
        for g in range(groups)
    ]
    assert same_bits(st.conv2d(x, w, groups=groups, **options), np.concatenate(parts, 1))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["f4", ml_dtypes.bfloat16], ids=str)
def test_threads_batches_and_views_do_not_change_bits(layout: str, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    x, w = draw(rng, (6, 40, 20, 21), dtype), draw(rng, (70, 40, 3, 3), dtype)
    if layout == "NHWC":
        x = np.moveaxis(x, 1, -1).copy()
    options: dict[str, Any] = {"padding": 1, "stride": 2, "layout": layout}
    expected = st.conv2d(x, w, threads=1, **options)
    for threads in (2, 3, 4):
        assert same_bits(st.conv2d(x, w, threads=threads, **options), expected)
    assert same_bits(np.concatenate([st.conv2d(x[i : i + 2], w, **options) for i in (0, 2, 4)]), expected)
    assert same_bits(st.conv2d(np.asfortranarray(x), np.asfortranarray(w), **options), expected)
    assert same_bits(st.conv2d(x[:, ::-1][:, ::-1], w[..., ::-1][..., ::-1], **options), expected)
    out = np.full((*expected.shape[:-1], expected.shape[-1] * 2), np.nan, dtype)[..., ::2]
    assert st.conv2d(x, w, out=out, **options) is out
    assert same_bits(out, expected)


def test_epilogue_equals_its_steps() -> None:
    rng = np.random.default_rng(2)
    x, w = draw(rng, (2, 9, 6, 7), "f4"), draw(rng, (33, 9, 3, 3), "f4")
    bias, scale, shift = (draw(rng, (33,), "f4")[:, None, None] for _ in range(3))
    residual = draw(rng, (2, 33, 6, 7), "f4")
    plain = st.conv2d(x, w, padding=1)
    assert same_bits(st.conv2d(x, w, padding=1, bias=bias.ravel()), plain + bias)
    fused = st.conv2d(
        x,
        w,
        padding=1,
        bias=bias.ravel(),
        scale=scale.ravel(),
        shift=shift.ravel(),
        residual=residual,
        activation="relu",
    )
    z = ((plain + bias).astype("f8") * scale + shift).astype("f4") + residual  # one rounding of a float32 fma
    np.testing.assert_allclose(fused, np.where(z < 0, 0, z), rtol=2e-7, atol=1e-7)
    slope = st.conv2d(x, w, padding=1, activation=("leaky_relu", 0.25))
    assert same_bits(slope, np.where(plain < 0, plain * np.float32(0.25), plain))


def test_half_precision_rounds_once() -> None:
    rng = np.random.default_rng(3)
    x, w = draw(rng, (1, 30, 6, 9), "f2"), draw(rng, (20, 30, 3, 3), "f2")
    wide = st.conv2d(x.astype("f4"), w.astype("f4"), padding=1)
    assert same_bits(st.conv2d(x, w, padding=1), wide.astype("f2"))
    out = np.empty(wide.shape, "f4")
    assert same_bits(st.conv2d(x, w, padding=1, out=out), wide)


def test_same_pads_behind() -> None:
    x, w = np.arange(6, dtype="f4").reshape(1, 1, 6), np.ones((1, 1, 2), "f4")
    assert st.conv1d(x, w, padding="same").tolist() == [[[1, 3, 5, 7, 9, 5]]]
    assert st.conv1d(x, w, padding="same", stride=4).tolist() == [[[1, 9]]]
    assert same_bits(st.conv1d(x, w, padding="valid"), st.conv1d(x, w))


def test_batch_rule() -> None:
    op = _core.op("conv2d")
    x, w, residual = ("float32", (8, 3, 5, 5)), ("float32", (4, 3, 1, 1)), ("float32", (8, 4, 5, 5))
    assert op.batch_axis([x, w, None, None, None, None], [0, -1, -1, -1, -1, -1], {}) == 0
    assert op.batch_axis([x, w, None, None, None, residual], [0, -1, -1, -1, -1, 0], {}) == 0
    assert op.batch_axis([x, w, None, None, None, residual], [0, -1, -1, -1, -1, -1], {}) == _core.MIXES_SAMPLES
    assert op.batch_axis([x, w, None, None, None, None], [0, 0, -1, -1, -1, -1], {}) == _core.MIXES_SAMPLES
    assert op.cost([x, w, None, None, None, None], {})[0] == 2 * 8 * 4 * 25 * 3


X, W = np.zeros((1, 4, 6, 6), "f4"), np.zeros((6, 4, 3, 3), "f4")
GIANT = np.broadcast_to(np.float32(0), (1 << 20, 1, 1 << 16, 1 << 16))
WRONG: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    (X[0], W, {}, ValueError, "x has the wrong number of dimensions: x is (4, 6, 6); it must be (N, C, H, W)"),
    (X, W[0], {}, ValueError, "w has the wrong number of dimensions"),
    (X, W[:, :3], {}, ValueError, "channels differ: x is (1, 4, 6, 6) with 4 channels"),
    (X, W, {"layout": "NHWC"}, ValueError, "channels differ"),
    (X, W, {"groups": 3}, ValueError, "groups do not divide the channels: groups is 3"),
    (X, W, {"groups": 0}, ValueError, "groups is out of range: 0"),
    (X, W, {"stride": 0}, ValueError, "stride is out of range: 0"),
    (X, W, {"stride": (1, 2, 3)}, ValueError, "stride has 3 values; it must be one number or 2"),
    (X, W, {"stride": 1.5}, TypeError, "stride is of the wrong kind"),
    (X, W, {"dilation": -1}, ValueError, "dilation is out of range: -1"),
    (X, W, {"dilation": 1 << 40}, ValueError, "dilation is out of range"),
    (X, W, {"dilation": 3}, ValueError, "the kernel is larger than the padded input: it spans 7 of 6 elements"),
    (X, W, {"padding": -1}, ValueError, "padding is out of range: -1"),
    (X, W, {"padding": ((1, 1), (1, -2))}, ValueError, "padding is out of range: -2"),
    (X, W, {"padding": 1 << 62}, ValueError, "padding is out of range"),
    (X, W, {"padding": (1 << 31) - 1}, ValueError, "the result is too large"),
    (X, W, {"padding": "full"}, ValueError, 'unknown padding: "full"'),
    (X, W, {"padding": ((1, 1),)}, ValueError, "padding has 1 pairs"),
    (X, W, {"layout": "CHWN"}, ValueError, "unknown layout"),
    (X, W, {"precision": "best"}, ValueError, "unknown precision"),
    (X, W, {"activation": "swoosh"}, ValueError, "unknown activation"),
    (X, W, {"bias": np.zeros(4, "f4")}, ValueError, "bias has the wrong shape: bias is (4,); it must be (6,)"),
    (X, W, {"scale": np.zeros(6, "f4")}, ValueError, "scale and shift come together"),
    (X, W, {"residual": np.zeros((1, 6, 6, 6), "f4")}, ValueError, "residual does not broadcast to the result"),
    (X, np.zeros((6, 4, 0, 3), "f4"), {}, ValueError, "the kernel is empty"),
    (GIANT, np.broadcast_to(np.float32(0), (1 << 20, 1, 1, 1)), {}, ValueError, "the result is too large"),
    (X.astype(object), W, {}, TypeError, "no kernel for dtype object"),
    (X.astype("c8"), W, {}, TypeError, "no kernel for dtype complex64"),
    (X.astype("i4"), W.astype("i4"), {"activation": "relu"}, TypeError, "activation and scale need floats"),
    (X, W, {"out": np.full((1, 6, 4, 3), np.nan, "f4")}, ValueError, "out has the wrong shape"),
    (X, W, {"out": np.full((1, 6, 4, 4), 7, "i4")}, TypeError, "cannot cast the result to out"),
]


@pytest.mark.parametrize(("x", "w", "options", "error", "text"), WRONG, ids=[text[:40] for *_, text in WRONG])
def test_wrong_calls_say_what_is_wrong(
    x: Any, w: Any, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    out = options.get("out", np.full((1, 6, 4, 4), np.nan, "f4"))
    before = out.copy()
    with pytest.raises(error) as caught:
        st.conv2d(x, w, **{"out": out, **options})
    assert str(caught.value).startswith("conv2d: ")
    assert text in str(caught.value)
    np.testing.assert_array_equal(out, before)


def test_read_only_and_stale_out() -> None:
    out = np.full((1, 6, 4, 4), np.nan, "f4")
    out.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        st.conv2d(X, W, out=out)
    out = np.full((1, 6, 4, 4), np.nan, "f4")
    assert np.all(st.conv2d(X, W, out=out) == 0)


def test_wrong_gradients_and_transposes() -> None:
    grad = np.zeros((1, 6, 4, 4), "f4")
    with pytest.raises(ValueError, match="grad has the wrong shape"):
        st.conv2d_input_gradient(grad, W, (1, 4, 7, 7))
    with pytest.raises(ValueError, match="negative size"):
        st.conv2d_input_gradient(grad, W, (1, -4, 6, 6))
    with pytest.raises(ValueError, match="grad has the wrong shape"):
        st.conv2d_weight_gradient(X, grad, (6, 4, 2, 3))
    with pytest.raises(ValueError, match="grain is out of range"):
        st.conv2d_weight_gradient(X, grad, (6, 4, 3, 3), grain=0)
    with pytest.raises(ValueError, match="output_padding is out of range"):
        st.conv_transpose2d(X, np.zeros((4, 2, 3, 3), "f4"), stride=2, output_padding=2)
    with pytest.raises(ValueError, match="channels differ"):
        st.conv_transpose2d(X, W)
    with pytest.raises(ValueError, match="the result would be empty"):
        st.conv_transpose2d(X, np.zeros((4, 2, 3, 3), "f4"), padding=9)
    assert st.conv2d_input_gradient(grad, W, (-1, 4, 6, 6)).shape == (1, 4, 6, 6)


@pytest.mark.parametrize("dtype", ["f4", ml_dtypes.bfloat16], ids=str)
def test_prepared_weights_serve_other_options_too(dtype: Any) -> None:
    rng = np.random.default_rng(4)
    x, w = draw(rng, (1, 32, 9, 9), dtype), draw(rng, (32, 32, 3, 3), dtype)
    prepared = st.prepare(w, op="conv2d", stride=2)
    for options in ({"stride": 2}, {}, {"layout": "NHWC", "padding": 3}, {"dilation": 2}):
        data = np.moveaxis(x, 1, -1) if "layout" in options else x
        assert same_bits(st.conv2d(data, prepared, **options), st.conv2d(data, w, **options))
    with pytest.raises(ValueError, match="wrong number of dimensions"):
        st.prepare(w[0], op="conv2d")
    assert math.prod(prepared.shape) == w.size


@pytest.mark.parametrize("dtype", ["f4", ml_dtypes.bfloat16], ids=str)
def test_prepared_transposed_weights_serve_other_options_too(dtype: Any) -> None:
    rng = np.random.default_rng(4)
    x, w = draw(rng, (1, 32, 5, 5), dtype), draw(rng, (32, 16, 4, 4), dtype)
    prepared = st.prepare(w, op="conv_transpose2d", stride=2, padding=1)
    for options in (
        {"stride": 2, "padding": 1},
        {"stride": 2, "padding": 1, "layout": "NHWC"},
        {"stride": 2},
        {"stride": 2, "padding": 1, "dilation": 2},
        {"stride": 3, "padding": 1},
        {"stride": 2, "padding": 1, "groups": 4},
        {"padding": ((1, 6), (1, 2)), "stride": 2},
    ):
        data = np.moveaxis(x, 1, -1) if "layout" in options else x
        assert same_bits(st.conv_transpose2d(data, prepared, **options), st.conv_transpose2d(data, w, **options))
    one = x[:, :, :1, :1]  # fewer outputs than phases
    few = st.prepare(w, op="conv_transpose2d", stride=7)
    assert same_bits(st.conv_transpose2d(one, few, stride=7), st.conv_transpose2d(one, w, stride=7))
    many = st.prepare(w, op="conv_transpose2d", stride=1000)
    assert same_bits(st.conv_transpose2d(one, many, stride=1000), st.conv_transpose2d(one, w, stride=1000))
    with pytest.raises(ValueError, match="wrong number of dimensions"):
        st.prepare(w[0], op="conv_transpose2d")


def test_a_weight_prepared_for_a_huge_stride() -> None:
    rng = np.random.default_rng(5)
    x, w = draw(rng, (1, 4, 1, 1), "f4"), draw(rng, (4, 3, 4, 4), "f4")
    options = {"stride": 2**30, "padding": 1}
    prepared = st.prepare(w, op="conv_transpose2d", **options)
    assert same_bits(st.conv_transpose2d(x, prepared, **options), st.conv_transpose2d(x, w, **options))
