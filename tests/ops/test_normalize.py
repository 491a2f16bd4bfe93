"""Softmax and the norms: the batch rule and errors."""

from __future__ import annotations

import numpy as np
import pytest
import stretto as st
from stretto import _core

NO, MIXES = _core.NO_BATCH, _core.MIXES_SAMPLES


def test_batch_rule() -> None:
    x = ("float32", (8, 4, 6))
    parameter = ("float32", (6,))
    assert _core.op("softmax").batch_axis([x], [0], {}) == 0
    assert _core.op("softmax").batch_axis([x], [2], {}) == MIXES
    assert _core.op("layer_norm").batch_axis([x, parameter, parameter], [1, NO, NO], {}) == 1
    assert _core.op("layer_norm").batch_axis([x, ("float32", (4, 6)), None], [1, NO, NO], {"dims": 2}) == MIXES
    channels = [("float32", (4,))] * 4
    assert _core.op("batch_norm").batch_axis([x, *channels], [0, NO, NO, NO, NO], {}) == 0
    assert _core.op("batch_norm").batch_axis([x, *channels], [1, NO, NO, NO, NO], {}) == MIXES
    assert _core.op("group_norm").batch_axis([x, None, None], [2, NO, NO], {}) == MIXES


def test_errors() -> None:
    x = np.ones((2, 6, 3), "f4")
    with pytest.raises(ValueError, match="softmax: axis is out of range"):
        st.softmax(x, 3)
    with pytest.raises(TypeError, match="softmax: no kernel for dtype int64"):
        st.softmax(np.ones(3, int))
    with pytest.raises(ValueError, match="layer_norm: gamma has the wrong shape"):
        st.layer_norm(x, np.ones(4, "f4"))
    with pytest.raises(ValueError, match="layer_norm: dims is out of range"):
        st.layer_norm(x, dims=4)
    with pytest.raises(ValueError, match="group_norm: groups do not divide"):
        st.group_norm(x, 4)
    with pytest.raises(ValueError, match="batch_norm: unknown layout"):
        st.batch_norm(x, None, None, np.ones(6), np.ones(6), layout="CHW")
    with pytest.raises(ValueError, match="batch_norm: mean has the wrong shape"):
        st.batch_norm(x, None, None, np.ones(3), np.ones(6))
    assert st.softmax(np.ones((0, 3), "f4")).shape == (0, 3)
    assert st.layer_norm(np.ones((3, 0), "f4")).shape == (3, 0)


def test_batch_norm_scale_says_what_is_wrong() -> None:
    four, out = np.ones(4, "f4"), (np.zeros(4, "f4"), np.zeros(4, "f4"))
    call = _core.op("batch_norm_scale")
    for inputs, error, text in (
        ((None, None, four, np.ones(3, "f4")), ValueError, r"var has the wrong shape: var is \(3,\), mean is \(4,\)"),
        ((np.ones((4, 1), "f4"), None, four, four), ValueError, "gamma has the wrong shape"),
        ((None, None, four[None], four[None]), ValueError, "one number a channel"),
        ((None, np.ones(4), four, four), TypeError, "dtypes differ: beta is float64, mean is float32"),
        ((None, None, four.astype("f2"), four.astype("f2")), TypeError, "no kernel for dtype float16"),
    ):
        with pytest.raises(error, match=f"batch_norm_scale: {text}" if "has" in text else text):
            call(inputs, {}, out)
    assert not out[0].any()


def test_batch_norm_scale_writes_into_any_strides() -> None:
    rng = np.random.default_rng(1)
    gamma, beta, mean, var = rng.random((4, 5))
    out = np.zeros((2, 10))[:, ::2]
    _core.op("batch_norm_scale")((gamma, beta, mean[::-1], var), {"eps": 0.5}, (out[0], out[1]))
    scale = gamma / np.sqrt(var + 0.5)
    assert (out[0] == scale).all()
    assert (st.batch_norm(np.full((1, 5), -0.0), gamma, beta, mean[::-1], var, eps=0.5) == out[1]).all()
