"""SciPy's own tests of convolve2d, run with st.conv2d of one channel in its place."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import stretto as st

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from scipy.signal.tests import test_signaltools as theirs

MODES = {"fill": "constant", "pad": "constant", "wrap": "wrap", "circular": "wrap", "symm": "symmetric"}


def convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """scipy.signal.convolve2d: the boundary by np.pad, the kernel turned round, complex numbers in parts."""
    a, b = np.asarray(in1), np.asarray(in2)
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError("convolve2d inputs must both be 2-D arrays")
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        parts = [[convolve2d(p, q, mode, boundary, fillvalue) for q in (b.real, b.imag)] for p in (a.real, a.imag)]
        return parts[0][0] - parts[1][1] + 1j * (parts[0][1] + parts[1][0])
    if mode == "valid" and b.shape[0] >= a.shape[0] and b.shape[1] >= a.shape[1]:
        a, b = b, a
    pads = {
        "full": [(k - 1, k - 1) for k in b.shape],
        "same": [(k // 2, (k - 1) // 2) for k in b.shape],
        "valid": [(0, 0), (0, 0)],
    }[mode]
    if boundary in ("fill", "pad") and np.size(fillvalue) == 1 and np.all(fillvalue == 0):
        return st.conv2d(a[None, None], b[::-1, ::-1][None, None], padding=tuple(pads))[0, 0]
    values = {"constant_values": fillvalue} if MODES[boundary] == "constant" else {}
    return st.conv2d(np.pad(a, pads, MODES[boundary], **values)[None, None], b[::-1, ::-1][None, None])[0, 0]


class TestConvolve2d(theirs.TestConvolve2d):  # type: ignore[misc]
    @pytest.fixture(autouse=True)
    def ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(theirs, "convolve2d", convolve2d)
        monkeypatch.setattr(theirs.signal, "convolve2d", convolve2d)

    @pytest.fixture
    def xp(self) -> Any:
        return np

    def test_fillvalue_errors(self, xp: Any) -> None:
        # conv2d pads with zeros alone, and takes no complex numbers; other values come by np.pad.
        x, w = np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 2))
        with pytest.raises(TypeError, match="fillvalue"):
            st.conv2d(x, w, fillvalue=1j)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="complex128"):
            st.conv2d(x + 1j, w)

    def test_large_array(self, xp: Any) -> None:
        # Offsets beyond 31 bits, of which only the pages that are read take memory.
        memory = np.zeros(2**31 + 1000, "i1")
        a = np.lib.stride_tricks.as_strided(memory, shape=(2, 1000), strides=(2**31, 1))
        a[:, ::2] = 1
        assert np.all(convolve2d(a, np.ones((1, 2), "i1"))[:, :-1] == 1)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
@pytest.mark.parametrize(("a", "b"), [((7, 9), (3, 3)), ((20, 31), (4, 5)), ((6, 6), (1, 6)), ((3, 4), (3, 4))])
def test_against_scipy(mode: str, dtype: str, a: tuple[int, int], b: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x, k = (rng.integers(-9, 9, shape).astype(dtype) for shape in (a, b))  # small integers: exact in every dtype
    np.testing.assert_array_equal(convolve2d(x, k, mode), theirs.signal.convolve2d(x, k, mode))
