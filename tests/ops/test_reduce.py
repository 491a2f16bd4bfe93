"""Reductions: NumPy's rules for axes, dtypes and empty arrays, and errors."""

from __future__ import annotations

import numpy as np
import pytest
import stretto as st
from stretto import _core


def test_as_numpy() -> None:
    x = np.random.default_rng(1).integers(-50, 50, (3, 4, 5)).astype("i1")
    for axis in (None, 0, -1, (0, 2), ()):
        for keepdims in (False, True):
            for name in ("sum", "max", "min", "mean", "var"):
                result, expected = (getattr(m, name)(x, axis=axis, keepdims=keepdims) for m in (st, np))
                assert result.dtype == expected.dtype
                np.testing.assert_allclose(result, expected, rtol=1e-12)
    assert np.array_equal(st.argmax(x, axis=1, keepdims=True), np.argmax(x, axis=1, keepdims=True))
    assert st.argmax(x) == np.argmax(x)
    assert st.sum(np.uint8([200, 100])).dtype == np.uint64
    assert st.sum(np.array([True, True])) == 2


def test_nan_zero_and_empty() -> None:
    assert np.isnan(st.max(np.float32([1, np.nan, 2])))
    assert st.argmax(np.float32([1, np.nan, 2, np.nan])) == 1
    assert not np.signbit(st.max(np.float32([-0.0, -0.0])))
    assert st.argmax(np.float32([1, 3, 3])) == 1
    assert st.sum(np.zeros((0, 3), "f4"), axis=0).tolist() == [0, 0, 0]
    assert np.isnan(st.mean(np.zeros(0, "f4")))


def test_batch_rule() -> None:
    types = [("float32", (8, 3, 4))]
    total = _core.op("sum")
    assert total.batch_axis(types, [0], {"axis": 1}) == 0
    assert total.batch_axis(types, [2], {"axis": 0}) == 1
    assert total.batch_axis(types, [2], {"axis": 0, "keepdims": True}) == 2
    assert total.batch_axis(types, [0], {}) == _core.MIXES_SAMPLES


def test_errors() -> None:
    x = np.ones((2, 3), "f4")
    with pytest.raises(ValueError, match="sum: axis is out of range"):
        st.sum(x, axis=2)
    with pytest.raises(ValueError, match="sum: axis is repeated"):
        st.sum(x, axis=(0, -2))
    with pytest.raises(ValueError, match="max: nothing to reduce"):
        st.max(np.zeros((0, 3)), axis=0)
    with pytest.raises(ValueError, match="argmax: axis must be one axis"):
        st.argmax(x, axis=(0, 1))
