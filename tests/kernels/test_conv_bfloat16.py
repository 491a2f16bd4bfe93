"""bfloat16 convolutions: the order of pairs, zeros of subnormals, and padding, in every kernel to the bit."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.cases.conv import CASES, TRANSPOSED
from tests.kernels.test_conv import OPS, VARIANTS, run, same_bits

BFLOAT16 = ml_dtypes.bfloat16
TAKERS = [name for name in VARIANTS if "pixels" in name or "channels" in name]


def draw(rng: np.random.Generator, shape: tuple[int, ...], values: str = "normal") -> Any:
    """Of "tiny" values products and sums lie about 2^-126, some values are subnormal or -0."""
    if values == "tiny":
        scale = rng.integers(-68, -58, shape)
        scale[rng.random(shape) < 0.02] = -130
        x = np.ldexp(rng.standard_normal(shape), scale).astype(BFLOAT16)
        return np.where(rng.random(shape) < 0.05, BFLOAT16(-0.0), x)
    x = rng.standard_normal(shape).astype(BFLOAT16)
    if values == "special" and x.size:
        places = rng.integers(0, x.size, 1 + x.size // 300)
        x.flat[places] = rng.choice(np.array([np.inf, -np.inf, np.nan, 3e38, -0.0], BFLOAT16), places.size)
    return x


def every_row(x: Any, w: Any, options: dict[str, Any], **more: Any) -> list[Any]:
    """The results of what selection takes and of each row that takes the arguments."""
    results = [run(x, w, options, None, **more)]
    for variant in TAKERS:
        try:
            results.append(run(x, w, options, variant, **more))
        except NotImplementedError:
            assert "pixels" in variant  # for short sums only
    return results


@pytest.mark.parametrize("name", [name for name, (_, w, _) in CASES.items() if 0 not in w[1:]])
@pytest.mark.parametrize("values", ["normal", "tiny", "special"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_variants_equal_the_reference(name: str, values: str, layout: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(1)
    x, w = draw(rng, x_shape, values), draw(rng, w_shape, values)
    if layout == "NHWC":
        x, options = np.moveaxis(x, 1, -1).copy(), {**options, "layout": "NHWC"}
    for dtype in (BFLOAT16, np.float32):
        out = np.zeros(run(x, w, options, None).shape, dtype)
        forced = lambda row: OPS[x.ndim - 2]((x, w, *[None] * 4), options, out.copy(), 2, row)  # noqa: B023, E731
        expected = forced("conv_reference")
        for row in (None, *TAKERS):
            try:
                assert same_bits(forced(row), expected), row
            except NotImplementedError:
                assert "pixels" in str(row)  # for short sums only


@pytest.mark.parametrize("name", ["1x1_long", "3x3_stride2", "3x3_small", "depthwise3", "groups_blocks", "first"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_epilogue_and_prepared_weights(name: str, layout: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rng = np.random.default_rng(2)
    x, w = draw(rng, x_shape), draw(rng, w_shape)
    terms = {n: draw(rng, w_shape[:1]) for n in ("bias", "scale", "shift")}
    residual = draw(rng, run(x, w, options).shape)
    if layout == "NHWC":
        x, residual = np.moveaxis(x, 1, -1).copy(), np.moveaxis(residual, 1, -1).copy()
        options = {**options, "layout": "NHWC"}
    more = {**terms, "residual": residual, "activation": "relu"}
    expected = run(x, w, options, "conv_reference", **more)
    prepared = st.prepare(w, op="conv2d", **options)
    for result in (*every_row(x, w, options, **more), run(x, prepared, options, None, **more)):
        assert same_bits(result, expected)


def padded_taps(array: Any, channels: int) -> Any:
    """(taps, channels, ...) as (terms, ...), each tap's channels padded to whole blocks from 32 on."""
    if channels >= 32:
        array = np.pad(array, ((0, 0), (0, -channels % 32), *[(0, 0)] * (array.ndim - 2)))
    return array.reshape(array.shape[0] * array.shape[1], -1)


@settings(max_examples=60, deadline=None)
@given(data=some.data())
def test_equals_matmul_of_taps_and_channels(data: Any) -> None:
    whole = lambda low, high: data.draw(some.integers(low, high))  # noqa: E731
    channels, outputs, kh, kw = whole(1, 70), whole(1, 40), whole(1, 3), whole(1, 4)
    stride, dilation = whole(1, 2), whole(1, 2)
    h, width = (k * dilation + whole(0, 12) for k in (kh, kw))
    pads = tuple((whole(0, 2), whole(0, 2)) for _ in range(2))
    values = data.draw(some.sampled_from(["normal", "tiny", "special"]))
    rng = np.random.default_rng(whole(0, 2**32 - 1))
    x, w = draw(rng, (2, channels, h, width), values), draw(rng, (outputs, channels, kh, kw), values)
    options = {"stride": stride, "padding": pads, "dilation": dilation}
    results = every_row(x, w, options)
    oh, ow = results[0].shape[2:]
    whole_x = np.pad(x, ((0, 0), (0, 0), *pads))
    taps = np.stack(
        [
            whole_x[:, :, a * dilation :, b * dilation :][:, :, ::stride, ::stride][:, :, :oh, :ow]
            for a, b in np.ndindex(kh, kw)
        ]
    ).transpose(0, 2, 1, 3, 4)
    columns = padded_taps(taps, channels)
    rows = padded_taps(w.transpose(2, 3, 1, 0).reshape(kh * kw, channels, outputs), channels).T
    expected = st.matmul(rows, columns).reshape(outputs, 2, oh, ow).transpose(1, 0, 2, 3)
    for result in (*results, run(x, w, options, "conv_reference")):
        assert same_bits(result, expected)


@pytest.mark.parametrize("variant", [*TAKERS, "conv_reference"])
@pytest.mark.parametrize("channels", [8, 40])
@pytest.mark.parametrize(("small", "expected"), [(-150, 0.0), (-160, 2.0**-126)])
def test_flushes_after_rounding(variant: str, channels: int, small: int, expected: float) -> None:
    """2^-126 - 2^-150 has 24 digits below 2^-126, so it is zero; 2^-126 - 2^-160 rounds to 2^-126."""
    x, w = np.zeros((1, channels, 1, 20), BFLOAT16), np.zeros((3, channels, 1, 1), BFLOAT16)
    x[:, 0], w[:, 0] = 2.0**-63, 2.0**-63
    x[:, 2], w[:, 2] = -(2.0 ** (small // 2)), 2.0 ** (small - small // 2)
    out = np.empty((1, 3, 1, 20), "f4")
    OPS[2]((x, w, None, None, None, None), {}, out, 1, variant)
    assert np.all(out == expected)


@pytest.mark.parametrize("variant", [*TAKERS, "conv_reference"])
@pytest.mark.parametrize("subnormal", ["x", "w", "sum"])
def test_subnormals_are_zeros(variant: str, subnormal: str) -> None:
    x, w = np.zeros((1, 8, 1, 20), BFLOAT16), np.zeros((3, 8, 1, 1), BFLOAT16)
    if subnormal == "sum":  # the even and the odd chain's
        x[:, 0], w[:, :2] = 2.0**-126, 1
        x[:, 1] = -1.5 * 2.0**-126
    else:
        x[:, 0], w[:, 0] = (2.0**-130, 2.0**100) if subnormal == "x" else (2.0**100, 2.0**-130)
    out = np.empty((1, 3, 1, 20), "f4")
    OPS[2]((x, w, None, None, None, None), {}, out, 1, variant)
    assert not out.any()
    assert not np.signbit(out).any()


def blocks_of(channels: int, taps: int) -> list[list[tuple[int, int]]]:
    """The (channel, tap) of the terms of each block."""
    order = [(c, t) for t in range(taps) for c in range(channels)]
    run = channels if channels >= 32 else len(order)
    runs = [order[i : i + run] for i in range(0, len(order), run)]
    return [terms[i : i + 32] for terms in runs for i in range(0, run, 32)]


@pytest.mark.parametrize("variant", [*TAKERS, "conv_reference"])
@pytest.mark.parametrize(("channels", "taps"), [(1, 96), (64, 2)])
@pytest.mark.parametrize("missing", [0, 1])
def test_a_padded_block_has_no_negative_zero(variant: str, channels: int, taps: int, missing: int) -> None:
    """The sum is -0 after two blocks and stays so in full ones of products that flush to -0."""
    if channels > 1:  # the last block is a tap's last one
        channels -= missing
    else:
        taps -= missing
    if "pixels" in variant and channels > 1:
        variant = variant.replace("pixels", "channels")
    x, w = np.zeros((1, channels, taps), BFLOAT16), np.zeros((3, channels, taps), BFLOAT16)
    blocks = blocks_of(channels, taps)
    (c0, t0), (c1, t1) = blocks[0][0], blocks[1][0]
    x[0, c0, t0], w[:, c0, t0] = 1.5 * 2.0**-126, 1
    x[0, c1, t1], w[:, c1, t1] = 2.0**-126, -1.984375
    for c, t in (term for block in blocks[2:] for term in block):
        x[0, c, t], w[:, c, t] = -(2.0**-100), 2.0**-100
    out = np.empty((1, 3, 1), "f4")
    OPS[1]((x, w, None, None, None, None), {}, out, 1, variant)
    assert not out.any()
    assert np.all(np.signbit(out) == (missing == 0))


@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("values", ["normal", "tiny", "special"])
def test_transposed_variants_equal_the_reference(name: str, values: str) -> None:
    x_shape, w_shape, options = TRANSPOSED[name]
    rng = np.random.default_rng(3)
    x, w = draw(rng, x_shape, values), draw(rng, w_shape, values)
    op = _core.op(f"conv_transpose{x.ndim - 2}d")
    *fast, reference = [row for row, _, present in op.variants if present]
    expected = op((x, w, None, None, None, None), options, None, 2, reference)
    for row in fast:
        assert same_bits(op((x, w, None, None, None, None), options, None, 2, row), expected), row


GRADIENTS = {
    "3x3": ((5, 7, 9, 10), (18, 7, 3, 3), {"padding": 1}),
    "strided": ((3, 4, 13, 11), (5, 4, 3, 2), {"stride": 2, "padding": 1}),
    "groups": ((4, 6, 8, 9), (9, 2, 2, 2), {"groups": 3}),
    "one_position": ((5, 3, 3, 3), (2, 3, 3, 3), {}),
    "odd_rows": ((3, 3, 31, 31), (4, 3, 1, 1), {}),
    "segments": ((3, 2, 50, 47), (3, 2, 1, 1), {}),
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("values", ["normal", "tiny", "special"])
def test_gradients_equal_the_reference(name: str, values: str) -> None:
    x_shape, w_shape, options = GRADIENTS[name]
    rng = np.random.default_rng(4)
    x, w = draw(rng, x_shape, values), draw(rng, w_shape, values)
    grad = draw(rng, run(x, w, options).shape, values)
    for op, inputs, attributes in (
        ("conv2d_weight_gradient", (x, grad), {"weight_shape": w_shape, "grain": 2}),
        ("conv2d_input_gradient", (grad, w), {"input_shape": x_shape}),
    ):
        function = _core.op(op)
        rows = [row for row, _, present in function.variants if present]
        results = [function(inputs, {**attributes, **options}, None, 2, row) for row in rows]
        assert all(same_bits(result, results[-1]) for result in results), op
