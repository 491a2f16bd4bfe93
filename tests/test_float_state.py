"""The floating-point state: a call neither follows the caller's, nor changes it."""

import ctypes
import ctypes.util
import platform
import subprocess
import sys

import numpy as np
import pytest
import stretto as st

TOWARD_ZERO = {"x86_64": 0xC00, "aarch64": 0xC00000}[platform.machine()]
needs_mxcsr = pytest.mark.skipif(platform.machine() != "x86_64", reason="the layout of fenv_t is that of x86-64")
TINY = np.full((40, 8, 64), 2.0**-149, "f4")  # flushed, its products are zero


def float_state_functions() -> tuple:
    """fegetround, fesetround, fegetenv and fesetenv of the C library."""
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    return libm.fegetround, libm.fesetround, libm.fegetenv, libm.fesetenv


def call_once(threads: int) -> np.ndarray:
    return st.matmul(TINY, np.ones((64, 8), "f4"), threads=threads)


@pytest.mark.parametrize("threads", [1, 4])
def test_subnormals_survive(threads: int) -> None:
    assert (call_once(threads) == np.float32(2.0**-143)).all()
    assert np.finfo(np.float32).tiny / np.float32(2) != 0
    assert np.finfo(np.float64).tiny / 2 != 0


@pytest.mark.parametrize("threads", [1, 4])
def test_rounding_mode_of_the_caller_neither_acts_nor_changes(threads: int) -> None:
    get, set_, _, _ = float_state_functions()
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((20, 30, 40), "f4"), rng.standard_normal((20, 40, 30), "f4")
    expected = st.matmul(x, y, threads=threads)
    assert set_(TOWARD_ZERO) == 0
    try:
        result = st.matmul(x, y, threads=threads)
        assert get() == TOWARD_ZERO
    finally:
        set_(0)
    assert result.tobytes() == expected.tobytes()


@needs_mxcsr
@pytest.mark.parametrize("threads", [1, 4])
def test_flushing_of_the_caller_neither_acts_nor_changes(threads: int) -> None:
    _, _, get, set_ = float_state_functions()
    before = ctypes.create_string_buffer(32)
    get(before)
    flushing = ctypes.create_string_buffer(before.raw, 32)
    mxcsr = int.from_bytes(before.raw[28:32], "little") | 0x8040  # flush to zero, denormals are zero
    ctypes.memmove(ctypes.addressof(flushing) + 28, mxcsr.to_bytes(4, "little"), 4)
    after = ctypes.create_string_buffer(32)
    set_(flushing)
    try:
        result = call_once(threads)
        get(after)
    finally:
        set_(before)
    assert (result.view("u4") == 64).all()
    assert int.from_bytes(after.raw[28:32], "little") & 0x8040 == 0x8040


@needs_mxcsr
def test_sticky_flags_of_the_caller_do_not_change() -> None:
    _, _, get, _ = float_state_functions()
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    x, zeros = np.full((8, 8), np.inf, "f4"), np.zeros((8, 8), "f4")
    state = ctypes.create_string_buffer(32)
    libm.feclearexcept(0x3F)
    y = st.matmul(x, zeros, threads=1)
    get(state)
    assert int.from_bytes(state.raw[28:32], "little") & 1 == 0  # inf * 0 was invalid, inside
    assert np.isnan(y).all()


def test_import_does_not_flush_subnormals() -> None:
    code = "import stretto, numpy as np; print(np.finfo('f4').tiny / np.float32(2) != 0)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "True"
