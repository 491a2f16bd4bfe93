"""Pooling from Python: its meaning against plain NumPy, batches, and errors."""

import doctest

import numpy as np
import pytest
import stretto as st
import stretto.ops.adaptive_avg_pool
import stretto.ops.avg_pool
import stretto.ops.avg_pool_gradient
import stretto.ops.max_pool
import stretto.ops.max_pool_gradient
from stretto import _core


def ramp(*shape, dtype="f4"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize(
    "module",
    [
        stretto.ops.adaptive_avg_pool,
        stretto.ops.avg_pool,
        stretto.ops.avg_pool_gradient,
        stretto.ops.max_pool,
        stretto.ops.max_pool_gradient,
    ],
)
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def striped_sum(values):
    """The contract's sum, as docs/numerics.md has it."""
    if len(values) > 4096:
        return striped_sum([striped_sum(values[k : k + 4096]) for k in range(0, len(values), 4096)])
    s = [values[0].dtype.type(0)] * 16
    for k, value in enumerate(values):
        s[k % 16] = s[k % 16] + value
    for h in (8, 4, 2, 1):
        for j in range(h):
            s[j] = s[j] + s[j + h]
    return s[0]


@pytest.mark.parametrize("window", [(2, 2), (3, 3), (1, 5), (7, 7), (70, 66)])
def test_averages_follow_the_contract(window):
    x = np.random.default_rng(0).standard_normal((75, 70)).astype("f4")
    y = st.avg_pool2d(x[None, None], window, stride=3)[0, 0]
    for i, j in np.ndindex(*y.shape):
        taps = x[3 * i : 3 * i + window[0], 3 * j : 3 * j + window[1]].ravel()
        assert y[i, j] == striped_sum(taps) / np.float32(taps.size)
        if i > 2 and j > 2:
            break


def test_the_largest():
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 12)).astype("f4")
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), (2, 3))
    np.testing.assert_array_equal(st.max_pool2d(x, (3, 2), stride=1), windows.max((-1, -2)))
    np.testing.assert_array_equal(st.max_pool2d(x, (3, 2), stride=(2, 3)), windows.max((-1, -2))[:, :, ::2, ::3])
    np.testing.assert_array_equal(st.global_max_pool(x, keepdims=False), x.max((2, 3)))


def test_special_values():
    x = np.array([[[-0.0, -0.0, np.nan, 1.0, -np.inf, -np.inf]]], "f4")
    y = st.max_pool1d(x, 2)[0, 0]
    assert y[0] == 0
    assert not np.signbit(y[0])
    assert np.isnan(y[1])
    assert y[2] == -np.inf
    assert not np.signbit(st.avg_pool1d(x, 2)[0, 0, 0])
    np.testing.assert_array_equal(st.max_pool1d_gradient(np.ones((1, 1, 3), "f4"), x, 2)[0, 0], [1, 0, 1, 0, 1, 0])
    two = np.array([[[np.nan, np.nan, 5.0]]])
    np.testing.assert_array_equal(st.max_pool1d_gradient(np.ones((1, 1, 1)), two, 3)[0, 0], [1, 0, 0])
    assert st.max_pool1d(np.ones((1, 1, 1)), 2, dilation=4, padding=2)[0, 0, 0] == -np.inf
    assert st.max_pool1d(np.ones((1, 1, 1), "i1"), 2, dilation=4, padding=2)[0, 0, 0] == -128
    assert st.max_pool1d(np.array([[[False, True]]]), 2).dtype == bool


def test_widths_of_averages():
    x = np.ones((1, 1, 3))
    np.testing.assert_array_equal(st.avg_pool1d(x, 2, stride=2, padding=1)[0, 0], [0.5, 1])
    np.testing.assert_array_equal(st.avg_pool1d(x, 2, stride=2, padding=1, count_include_pad=False)[0, 0], [1, 1])
    np.testing.assert_array_equal(st.avg_pool1d(x, 2, stride=2, ceil_mode=True)[0, 0], [1, 1])


def test_batch_axis():
    x, grad = ("float32", (4, 3, 8, 8)), ("float32", (4, 3, 4, 4))
    for name in ("max_pool2d", "avg_pool2d"):
        assert _core.op(name).batch_axis([x], [0], {"kernel_size": 2}) == 0
        assert _core.op(name).batch_axis([x], [2], {"kernel_size": 2}) == _core.MIXES_SAMPLES
        assert _core.op(f"{name}_gradient").batch_axis([grad, x], [0, 0], {"kernel_size": 2}) == 0
        assert _core.op(f"{name}_gradient").batch_axis([grad, x], [0, -1], {"kernel_size": 2}) == _core.MIXES_SAMPLES


GIANT = np.broadcast_to(np.float32(1), (2**20, 2**20, 2**10, 2**10))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: st.max_pool2d(ramp(3, 4, 4), 2), r"max_pool2d: wrong number of dimensions: x is \(3, 4, 4\)"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 0), "max_pool2d: kernel_size is out of range: it is 0"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, stride=0), "max_pool2d: stride is out of range: it is 0"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, dilation=0), "max_pool2d: dilation is out of range: it is 0"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2**40), "max_pool2d: kernel_size is out of range"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), (2, 2, 2)), "max_pool2d: kernel_size has 3 values"),
        (
            lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, padding=-1),
            r"max_pool2d: padding is out of range: it is \(-1, -1\)",
        ),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, padding=2), "max_pool2d: padding is out of range: .* half"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, padding=((0, 0),)), "max_pool2d: wrong number of pairs"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, padding="some"), "max_pool2d: unknown padding"),
        (lambda: st.max_pool2d(ramp(1, 1, 4, 4), 2, layout="CHWN"), "max_pool2d: unknown layout"),
        (
            lambda: st.avg_pool2d(ramp(1, 1, 4, 4), 5),
            "avg_pool2d: the window is larger than the padded input: it spans 5, the input has 4",
        ),
        (lambda: st.avg_pool2d(ramp(1, 1, 0, 4), 1), "avg_pool2d: the window is larger"),
        (lambda: st.avg_pool2d(GIANT, 2), "avg_pool2d: the result is too large"),
        (lambda: st.global_avg_pool(GIANT), "global_avg_pool: the result is too large"),
        (lambda: st.global_avg_pool(ramp(2, 3)), "global_avg_pool: too few dimensions"),
        (lambda: st.global_max_pool(ramp(2, 3, 0)), "global_max_pool: nothing to pool"),
        (lambda: st.adaptive_avg_pool2d(ramp(1, 1, 4, 4), 0), "adaptive_avg_pool2d: output_size is out of range"),
        (
            lambda: st.max_pool2d_gradient(ramp(1, 1, 3, 2), ramp(1, 1, 4, 4), 2),
            r"max_pool2d_gradient: grad has the wrong shape: grad is \(1, 1, 3, 2\)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{text}"):
        call()


def test_wrong_kinds():
    with pytest.raises(TypeError, match=r"^avg_pool2d: averages need floats: x is int32"):
        st.avg_pool2d(ramp(1, 1, 4, 4, dtype="i4"), 2)
    with pytest.raises(TypeError, match=r"^max_pool2d_gradient: gradients need floats"):
        st.max_pool2d_gradient(ramp(1, 1, 2, 2, dtype="i4"), ramp(1, 1, 4, 4), 2)
    with pytest.raises(TypeError, match=r"^max_pool2d: stride is of the wrong kind"):
        st.max_pool2d(ramp(1, 1, 4, 4), 2, stride=1.5)
