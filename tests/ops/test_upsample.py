"""upsample2d: bits of every variant, its meaning against plain NumPy, and errors."""

import doctest

import ml_dtypes
import numpy as np
import pytest
import stretto as st
import stretto.ops.upsample
from stretto import _core

from tests.kernels.test_pool import last, random_array, same

OPTIONS = [
    {"size": (7, 9)},
    {"size": 3},
    {"scale_factor": 2},
    {"scale_factor": (1.5, 3.0)},
    {"size": (7, 90), "mode": "bilinear"},
    {"size": (4, 3), "mode": "bilinear"},
    {"scale_factor": 2, "mode": "bilinear"},
    {"scale_factor": (1.7, 0.6), "mode": "bilinear"},
    {"size": (13, 1), "mode": "bilinear", "align_corners": True},
]


def test_examples():
    assert doctest.testmod(stretto.ops.upsample).failed == 0


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(2, 3, 5, 8), (1, 70, 4, 5), (3, 1, 40, 50)])
def test_variants_layouts_threads_and_batches(shape, options, dtype):
    rng = np.random.default_rng(0)
    x = random_array(rng, shape, dtype, 0.02)
    op, gradient_op = _core.op("upsample2d"), _core.op("upsample2d_gradient")
    expected = op((x,), options, None, 1, "upsample_bilinear_reference")
    for name, _, present in op.variants:
        if present:
            assert same(op((x,), options, None, 1, name), expected)
    assert same(op((x[:, ::-1].copy()[:, ::-1],), options, None, 3), expected)
    channels_last = {**options, "layout": "NHWC"}
    assert same(np.moveaxis(op((last(x),), channels_last), -1, 1), expected)
    grad = random_array(rng, expected.shape, dtype)
    dx = gradient_op((grad, x), options, None, 1)
    assert same(gradient_op((grad, x), options, None, 3), dx)
    assert same(np.moveaxis(gradient_op((last(grad), last(x)), channels_last), -1, 1), dx)
    assert same(op((x[1:],), options), expected[1:])
    assert same(gradient_op((grad[1:], x[1:]), options), dx[1:])


def test_nearest_repeats():
    x = np.arange(12, dtype="i2").reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(st.upsample2d(x, scale_factor=3), x.repeat(3, 2).repeat(3, 3))
    np.testing.assert_array_equal(st.upsample2d(x, size=(1, 2)), x[:, :, :1, [0, 1]])
    wide = np.arange(49).reshape(1, 1, 1, 49)
    np.testing.assert_array_equal(st.upsample2d(wide, scale_factor=(1, 49)).ravel(), np.arange(49).repeat(49))


def test_gradients_in_order():
    grad = np.random.default_rng(0).standard_normal((1, 1, 6, 8)).astype("f4")
    x = np.zeros((1, 1, 3, 4), "f4")
    expected = np.zeros((3, 4), "f4")
    for i, j in np.ndindex(6, 8):
        expected[i // 2, j // 2] += grad[0, 0, i, j]
    np.testing.assert_array_equal(st.upsample2d_gradient(grad, x, scale_factor=2)[0, 0], expected)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "upsample2d: pass either size or scale_factor: neither given"),
        ({"size": 3, "scale_factor": 2}, "upsample2d: pass either size or scale_factor: both given"),
        ({"size": 0}, "upsample2d: size is out of range"),
        ({"size": 2**40}, "upsample2d: size is out of range"),
        ({"size": 2**30}, "upsample2d: the result is too large"),
        ({"scale_factor": -1.0}, "upsample2d: scale_factor is out of range"),
        ({"scale_factor": float("nan")}, "upsample2d: scale_factor is out of range"),
        ({"scale_factor": 0.1}, "upsample2d: size is out of range"),
        ({"size": 3, "mode": "cubic"}, "upsample2d: unknown mode"),
        ({"size": 3, "align_corners": True}, "upsample2d: align_corners has no meaning"),
        ({"size": 3, "layout": "NWHC"}, "upsample2d: unknown layout"),
    ],
)
def test_errors(options, text):
    with pytest.raises(ValueError, match=f"^{text}"):
        st.upsample2d(np.ones((1, 1, 4, 4), "f4"), **options)


def test_wrong_kinds():
    with pytest.raises(TypeError, match=r"^upsample2d: bilinear needs floats: x is int64"):
        st.upsample2d(np.ones((1, 1, 4, 4), "i8"), size=2, mode="bilinear")
    with pytest.raises(ValueError, match=r"^upsample2d_gradient: grad has the wrong shape"):
        st.upsample2d_gradient(np.ones((1, 1, 4, 4)), np.ones((1, 1, 4, 4)), size=2)
