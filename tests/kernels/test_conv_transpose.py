"""The transposed convolution and the gradient kernels: every variant against the reference, and by other means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.cases.conv import CASES, TRANSPOSED
from tests.kernels.test_conv import draw, same_bits

FLOATS = {"conv_transpose": ("f4", "f8"), "weight_gradient": ("f4", "f8")}


def rows(op: str) -> list[str]:
    return [name for name, _, present in _core.op(op).variants if present]


def transposed(x: Any, w: Any, options: dict[str, Any], variant: str | None = None) -> Any:
    return _core.op(f"conv_transpose{x.ndim - 2}d")((x, w, None, None, None, None), options, None, 2, variant)


@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_transposed_variants_equal_the_reference(name: str, dtype: str) -> None:
    x_shape, w_shape, options = TRANSPOSED[name]
    rng = np.random.default_rng(1)
    x, w = draw(rng, x_shape, dtype), draw(rng, w_shape, dtype)
    x.flat[0], w.flat[-1] = np.inf, -0.0
    *fast, reference = rows("conv_transpose2d")
    expected = transposed(x, w, options, reference)
    for variant in fast:
        assert same_bits(transposed(x, w, options, variant), expected), variant
    prepared = st.prepare(w, op=f"conv_transpose{w.ndim - 2}d", **options)
    assert same_bits(transposed(x, prepared, options), expected)


@pytest.mark.parametrize(
    "name",
    [
        *("4x4_stride2", "bands", "bands_of_samples", "uneven", "groups", "one_point", "few_outputs", "stride4"),
        *("depthwise_stride2", "depthwise_stride4"),
    ],
)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["f4", "f2"])
def test_transposed_epilogues_equal_the_reference_s(name: str, layout: str, dtype: str) -> None:
    x_shape, w_shape, options = TRANSPOSED[name]
    rng = np.random.default_rng(7)
    x, w = draw(rng, x_shape, dtype), draw(rng, w_shape, dtype)
    channels = w_shape[1] * options.get("groups", 1)
    bias, scale, shift = (draw(rng, (channels,), dtype) for _ in range(3))
    if layout == "NHWC":
        x = np.moveaxis(x, 1, -1)
    options = {**options, "layout": layout}
    residual = draw(rng, transposed(x, w, options).shape, dtype)
    options["activation"] = "tanh"
    *fast, reference = rows("conv_transpose2d")

    def result(variant: str | None, threads: int, step: int, w: Any = w) -> Any:
        out = np.zeros((*residual.shape[:-1], residual.shape[-1] * step), dtype)[..., ::step]
        _core.op("conv_transpose2d")((x, w, bias, scale, shift, residual), options, out, threads, variant)
        return out

    expected = result(reference, 1, 1)
    for variant in fast:
        for threads, step in ((1, 1), (3, 1), (2, 3)):
            assert same_bits(result(variant, threads, step), expected), (variant, threads, step)
    prepared = st.prepare(w, op="conv_transpose2d", **options)
    assert same_bits(result(None, 2, 1, prepared), expected)


@pytest.mark.parametrize(
    "name",
    ["one_point", "one_point_segments", "few_outputs", "depthwise_2x2", "depthwise_stride4", "3x3_rows", "volume"],
)
@pytest.mark.parametrize("values", ["tiny", "infinite"])
def test_products_of_padding_leave_the_same_zeros_and_nans(name: str, values: str) -> None:
    x_shape, w_shape, options = TRANSPOSED[name]
    rng = np.random.default_rng(9)
    x, w = draw(rng, x_shape, "f4"), draw(rng, w_shape, "f4")
    if values == "tiny":  # sums of -0, which a product of padding turns to +0
        x, w = np.abs(x) * np.float32(1e-30), w * np.float32(1e-30)
        w[:, 0] = -np.abs(w[:, 0])
    else:
        w[0, 0, 0, 0], x.flat[-1] = np.inf, -np.inf
    *fast, reference = rows("conv_transpose2d")
    expected = transposed(x, w, options, reference)
    for variant in fast:
        for threads in (1, 2, 3):
            arrays = (x, w, None, None, None, None)
            got = _core.op(f"conv_transpose{x.ndim - 2}d")(arrays, options, None, threads, variant)
            assert same_bits(got, expected), (variant, threads)


def scattered(x: Any, w: Any, stride: int, padding: int, dilation: int, groups: int) -> Any:
    """Transposed convolution as its definition by scattering, float64."""
    n, channels, h, width = x.shape
    _, per_group, kh, kw = w.shape
    out = np.zeros(
        (
            n,
            per_group * groups,
            (h - 1) * stride + (kh - 1) * dilation + 1,
            (width - 1) * stride + (kw - 1) * dilation + 1,
        )
    )
    for c, a, b in np.ndindex(channels, kh, kw):
        first = c // (channels // groups) * per_group
        rows = slice(a * dilation, a * dilation + (h - 1) * stride + 1, stride)
        columns = slice(b * dilation, b * dilation + (width - 1) * stride + 1, stride)
        out[:, first : first + per_group, rows, columns] += w[c, :, a, b][None, :, None, None] * x[:, c][:, None]
    end = -padding or None
    return out[:, :, padding:end, padding:end]


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 2), (3, 1, 2, 1), (2, 2, 2, 4)]
)
def test_reference_is_near_scattering(stride: int, padding: int, dilation: int, groups: int) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((4, 3, 3, 3))
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    got = transposed(x, w, options, "conv_transpose_reference")
    np.testing.assert_allclose(got, scattered(x, w, stride, padding, dilation, groups), rtol=1e-12, atol=1e-12)


def gradient_cases() -> list[str]:
    return [name for name, (x, w, _) in CASES.items() if 0 not in (*x, *w) and np.prod(x) * np.prod(w) < 3e7]


@pytest.mark.parametrize("name", gradient_cases())
def test_input_gradient_is_the_transposed_sum(name: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rank = len(x_shape) - 2
    rng = np.random.default_rng(3)
    x, w = draw(rng, x_shape, "f4"), draw(rng, w_shape, "f4")
    forward = getattr(st, f"conv{rank}d")(x, w, **options)
    grad = draw(rng, forward.shape, "f4")
    op = _core.op(f"conv{rank}d_input_gradient")
    results = [
        op((grad, w), {"input_shape": x_shape, **options}, None, 2, row) for row in rows("conv2d_input_gradient")
    ]
    assert all(same_bits(result, results[-1]) for result in results)
    # <grad, conv(x)> = <input gradient, x>
    scale = float(np.abs(grad).sum() * np.abs(x).max() * np.abs(w).sum() / w_shape[0])
    inner = float(np.vdot(results[-1].astype("f8"), x))
    assert abs(float(np.vdot(grad.astype("f8"), forward)) - inner) <= 1e-6 * scale


@pytest.mark.parametrize("name", gradient_cases())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_weight_gradient_variants_equal_the_reference(name: str, dtype: str) -> None:
    x_shape, w_shape, options = CASES[name]
    rank = len(x_shape) - 2
    rng = np.random.default_rng(4)
    x_shape = (5, *x_shape[1:])
    x, w = draw(rng, x_shape, dtype), draw(rng, w_shape, dtype)
    forward = getattr(st, f"conv{rank}d")(x, w, **options)
    grad = draw(rng, forward.shape, dtype)
    op = _core.op(f"conv{rank}d_weight_gradient")
    attributes = {"weight_shape": w_shape, **options, "grain": 2}
    results = [op((x, grad), attributes, None, 2, row) for row in rows("conv2d_weight_gradient")]
    for result in results:
        assert same_bits(result, results[-1])
    scale = float(np.abs(grad).sum() * np.abs(x).max() * np.abs(w).sum() / w_shape[0])
    inner = float(np.vdot(results[-1].astype("f8"), w))
    assert abs(float(np.vdot(grad.astype("f8"), forward)) - inner) <= 1e-6 * scale


def test_grains_are_summed_by_the_tree() -> None:
    rng = np.random.default_rng(5)
    x, grad = draw(rng, (11, 2, 6, 7), "f4"), draw(rng, (11, 3, 6, 7), "f4")
    options: dict[str, Any] = {"padding": 1}
    grains = [
        st.conv2d_weight_gradient(x[i : i + 2], grad[i : i + 2], (3, 2, 3, 3), **options) for i in range(0, 11, 2)
    ]
    pairs = [grains[0] + grains[1], grains[2] + grains[3], grains[4] + grains[5]]
    tree = (pairs[0] + pairs[1]) + pairs[2]
    assert same_bits(st.conv2d_weight_gradient(x, grad, (3, 2, 3, 3), grain=2, **options), tree)
