"""What `precision="high"` and `"medium"` promise of sums of products, on whatever units the machine has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

AMX = ["avx2", "avx512", "avx512vnni", "avx512amx"]
# (x, w, options): rows of tiles that end within a row of the result, strides, dilation, groups, channels that
# do not fill a register, sums of more than one segment.
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "3x3": ((3, 64, 13, 11), (48, 64, 3, 3), {"padding": 1}),
    "1x1": ((2, 96, 9, 9), (40, 96, 1, 1), {}),
    "stride": ((2, 40, 15, 17), (33, 40, 3, 3), {"stride": 2, "padding": 1}),
    "dilated": ((2, 32, 14, 14), (32, 32, 3, 3), {"dilation": 2}),
    "groups": ((2, 64, 8, 8), (64, 32, 3, 3), {"padding": 1, "groups": 2}),
    "1d": ((2, 70, 200), (24, 70, 5), {"padding": 2}),
    "3d": ((1, 32, 5, 7, 6), (32, 32, 3, 3, 3), {"padding": 1}),
    "segments": ((2, 512, 5, 5), (32, 512, 3, 3), {"padding": 1}),
}
PRECISIONS = ["high", "medium"]


def convolve(x: Any, w: Any, threads: int = 1, **options: Any) -> Any:
    return _core.op(f"conv{x.ndim - 2}d")((x, w, None, None, None, None), options, None, threads, None)


def drawn(name: str) -> tuple[Any, Any, dict[str, Any]]:
    x_shape, w_shape, options = SHAPES[name]
    rng = np.random.default_rng(5)
    return rng.standard_normal(x_shape, "f4"), rng.standard_normal(w_shape, "f4"), options


def error(result: Any, exact: Any) -> float:
    return float(np.linalg.norm(result.astype("f8") - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("name", SHAPES)
def test_errors(name: str) -> None:
    x, w, options = drawn(name)
    exact = convolve(x.astype("f8"), w.astype("f8"), **options)
    assert error(convolve(x, w, precision="high", **options), exact) <= error(convolve(x, w, **options), exact)
    assert error(convolve(x, w, precision="medium", **options), exact) <= 1e-5


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", SHAPES)
def test_bits_depend_on_no_schedule(name: str, precision: str) -> None:
    x, w, options = drawn(name)
    options = {**options, "precision": precision}
    result = convolve(x, w, **options)
    assert (convolve(x, w, threads=2, **options) == result).all()
    assert (np.concatenate([convolve(x[i : i + 1], w, **options) for i in range(len(x))]) == result).all()
    if options.get("groups", 1) == 1:  # as a plan shares out channels
        parts = [convolve(x, w[i : i + 5], **options) for i in range(0, len(w), 5)]
        assert (np.concatenate(parts, axis=1) == result).all()
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    assert (np.moveaxis(convolve(last, w, layout="NHWC", **options), -1, 1) == result).all()
    prepared = st.prepare(w, op=f"conv{x.ndim - 2}d", **options)
    assert (convolve(x, prepared, **options) == result).all()
    bias = np.arange(w.shape[0], dtype="f4")
    fused = _core.op(f"conv{x.ndim - 2}d")((x, w, bias, None, None, None), options, None, 1, None)
    assert (fused == result + bias.reshape(-1, *[1] * (x.ndim - 2))).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e-40, 1e-20, 1e30, 3e38])
def test_values_that_parts_do_not_hold(precision: str, value: float) -> None:
    x, w, options = drawn("3x3")
    usual = convolve(x, w, precision=precision, **options)
    x[1, 5, 6, 7] = value
    expected = usual.copy()
    expected[1] = convolve(x, w, **options)[1]
    np.testing.assert_array_equal(convolve(x, w, precision=precision, **options), expected)
    x, w, options = drawn("groups")
    usual = convolve(x, w, precision=precision, **options)
    w[40, 3, 1, 1] = value
    x[0, 40, 2, 2] = value
    highest, expected = convolve(x, w, **options), usual.copy()
    expected[0, 32:], expected[:, 40] = highest[0, 32:], highest[:, 40]
    np.testing.assert_array_equal(convolve(x, w, precision=precision, **options), expected)


@pytest.mark.skipif(
    "conv_channels_avx512" not in {name for name, _, _ in _core.op("conv2d").variants}, reason="not built for x86-64"
)
def test_what_a_machine_with_amx_selects() -> None:
    conv = _core.op("conv2d")

    def select(dtype: str, w: tuple[int, ...], **options: Any) -> str:
        x = (1, w[1] * options.get("groups", 1), 8, 8)
        return str(conv.select([(dtype, x), (dtype, w)], options, AMX))

    assert select("float32", (64, 64, 3, 3), precision="high") == "conv_high_avx512amx"
    assert select("float32", (64, 64, 3, 3), precision="medium") == "conv_medium_avx512amx"
    assert select("float32", (64, 64, 3, 3)) == "conv_channels_avx512"
    assert select("bfloat16", (64, 64, 3, 3)) == "conv_pairs_avx512amx"
    assert select("bfloat16", (64, 16, 3, 3)) == "conv_merged_avx512amx"  # a tap's channels are not a whole block
    assert select("bfloat16", (8, 16, 3, 3)) == "conv_pixels_avx512"  # and would fill half of a register's rows
    assert select("float64", (64, 64, 3, 3), precision="high") == "conv_channels_avx512"
    assert select("float32", (1, 64, 3, 3), precision="high") == "conv_high_avx512amx"  # channels may be shared out
    assert select("float32", (64, 3, 3, 3), precision="high") != "conv_high_avx512amx"
    assert select("float32", (64, 1, 3, 3), precision="high", groups=64) != "conv_high_avx512amx"
