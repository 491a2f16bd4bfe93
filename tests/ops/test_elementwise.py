"""Element-wise ops: NumPy's rules for dtypes, scalars and out, the batch rule, and errors."""

from __future__ import annotations

import numpy as np
import pytest
import stretto as st
from stretto import _core


def test_integers_as_numpy() -> None:
    a, b = np.int8([100, -128, 7]), np.int8([100, -1, -7])
    with np.errstate(all="ignore"):
        for name in ("add", "subtract", "multiply", "maximum", "minimum", "true_divide"):
            own = {"subtract": "sub", "multiply": "mul", "true_divide": "div"}.get(name, name)
            result, expected = getattr(st, own)(a, b), getattr(np, name)(a, b)
            assert result.dtype == expected.dtype
            assert np.array_equal(result, expected)
        assert np.array_equal(st.abs(a), np.abs(a))
        assert np.array_equal(st.neg(a), -a)
    assert np.array_equal(st.clip(a, -5, 5), np.clip(a, -5, 5))
    assert np.array_equal(st.pow(np.uint8([3, 2]), np.uint8([7, 9])), np.uint8([3, 2]) ** np.uint8([7, 9]))
    assert st.add(np.int32([1]), 2.5).dtype == np.float64
    assert st.add(np.float32([1]), 2.5).dtype == np.float32
    assert st.exp(np.int8([1])).dtype == np.float16
    assert st.exp(np.int64([1])).dtype == np.float64
    assert st.add(np.float32([1]), np.float64([1]), dtype=np.float32).dtype == np.float32


def test_maximum_and_clip_of_nan() -> None:
    nan = np.float32("nan")
    assert np.isnan(st.maximum(np.float32([1, nan]), np.float32([nan, 1]))).all()
    assert np.isnan(st.clip(np.float32([nan]), 0, 1)).all()
    assert np.array_equal(st.clip(np.float32([3, -3]), low=-1), [3, -1])
    assert np.array_equal(st.clip(np.float32([3, -3]), high=1), [1, -3])


def test_out_of_elements_or_dimensions_that_no_kernel_writes() -> None:
    assert st.relu(np.ones(3, "f4"), out=np.empty(3, "V0")).dtype == "V0"
    deep = np.full((1,) * 12 + (3,), 7, "f4")
    assert (st.relu(-np.ones((1,) * 12, "f4"), out=deep) == 0).all()


def test_out_may_be_an_input() -> None:
    x = np.arange(6, dtype="f4")
    assert st.exp(x, out=x) is x
    assert x[0] == 1


def test_batch_rule() -> None:
    add = _core.op("add")
    types = [("float32", (4, 3)), ("float32", (3,))]
    assert add.batch_axis(types, [0, _core.NO_BATCH], {}) == 0
    assert add.batch_axis(types, [_core.NO_BATCH, 0], {}) == _core.MIXES_SAMPLES
    assert add.batch_axis([types[0], ("float32", (2, 4, 3))], [0, 1], {}) == 1
    assert add.batch_axis([types[0], ("float32", (4, 3))], [0, _core.NO_BATCH], {}) == _core.MIXES_SAMPLES


def test_errors() -> None:
    out = np.full((2,), 7, "f4")
    with pytest.raises(ValueError, match=r"add: shapes do not broadcast: \(2,\) and \(3,\)"):
        st.add(np.ones(2, "f4"), np.ones(3, "f4"), out=out)
    with pytest.raises(TypeError, match="sub: no kernel for dtype bool"):
        st.sub(np.array([True]), np.array([True]))
    with pytest.raises(TypeError, match="neg: no kernel for dtype bool"):
        st.neg(np.array([True]))
    with pytest.raises(TypeError, match="where: the condition must be bool"):
        st.where(np.ones(2), 1.0, 2.0)
    with pytest.raises(ValueError, match="clip: no bounds"):
        st.clip(np.ones(2))
    with pytest.raises(ValueError, match="pow: an integer to a negative integer power"):
        st.pow(np.int32([2]), np.int32([-1]))
    with pytest.raises(ValueError, match="gelu: unknown approximation"):
        st.gelu(np.ones(2), "sigmoid")
    with pytest.raises(ValueError, match="unknown activation"):
        st.activation_gradient(np.ones(2), np.ones(2), activation="swoosh")
    with pytest.raises(TypeError, match="activation_gradient: no kernel for dtype int64"):
        st.activation_gradient(np.ones(2, int), np.ones(2, int), activation="relu")
    with pytest.raises(ValueError, match="too large"):
        st.add(np.broadcast_to(np.float32(1), (2**40, 1)), np.broadcast_to(np.float32(1), (1, 2**40)))
    assert (out == 7).all()
