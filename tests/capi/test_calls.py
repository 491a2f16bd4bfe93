"""Calls through the table of C functions: the bits of ``st.matmul`` and ``st.conv2d``, and their errors."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st

from tests.capi import table
from tests.capi.table import INVALID, NO_KERNEL, NO_MEMORY, OK, Array

ROOT = Path(__file__).parents[2]
DTYPES = [np.dtype("f4"), np.dtype("f8"), np.dtype(ml_dtypes.bfloat16)]
CONVS = {3: st.conv1d, 4: st.conv2d, 5: st.conv3d}
ACTIVATIONS = [
    ("leaky_relu", 0.25) if a == "leaky_relu" else ("elu", 0.5) if a == "elu" else a for a in table.ACTIVATIONS
]


def draw(seed: int, dtype: Any, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def bits(array: Array) -> bytes:
    return np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("threads", [0, 1, 2])
def test_matmul(dtype: np.dtype[Any], threads: int) -> None:
    for seed, (batch, m, n, k) in enumerate(
        [(1, 1, 1, 1), (3, 8, 8, 8), (2, 33, 70, 129), (64, 4, 5, 6), (2, 3, 4, 0)]
    ):
        a, b = draw(seed, dtype, batch, m, k), draw(seed + 9, dtype, batch, k, n)
        out = np.full((batch, m, n), np.nan, dtype)
        assert table.call("matmul", table.matmul_shape(a, b, out), a, b, out, threads=threads) == OK
        assert bits(out) == bits(st.matmul(a, b))
        assert table.call("matmul", table.MatmulShape(batch, m, n, k), a, b, out, threads=threads) == OK
        assert bits(out) == bits(st.matmul(a, b))


def test_matmul_takes_any_strides() -> None:
    a = draw(1, "f4", 7, 5, 6).transpose(2, 0, 1)[::2, ::-1]  # negative, and not C order
    b = np.broadcast_to(draw(2, "f4", 1, 10, 8)[:, ::2, 1:], (3, 5, 7))  # one matrix for all
    room = np.zeros((7, 3, 7, 2), "f4")
    out = room[..., 1].transpose(1, 2, 0)
    assert table.call("matmul", table.matmul_shape(a, b, out), a, b, out) == OK
    assert bits(out) == bits(st.matmul(a, b))
    assert not room[..., 0].any()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_conv(dtype: np.dtype[Any], layout: str, axes: int) -> None:
    for groups in (0, 2, 4):
        sizes = (9, 8, 7)[:axes]
        x = draw(axes, dtype, 2, *sizes, 4) if layout == "NHWC" else draw(axes, dtype, 2, 4, *sizes)
        w = draw(axes + 3, dtype, 8, 4 // (groups or 1), *(3, 2, 3)[:axes])
        given = {"stride": (2, 1, 1)[:axes], "dilation": (1, 2, 1)[:axes]}
        before, after = (1, 0, 2)[:axes], (2, 1, 0)[:axes]
        expected = CONVS[x.ndim](
            x, w, padding=tuple(zip(before, after, strict=True)), groups=groups or 1, layout=layout, **given
        )
        out = np.full(expected.shape, np.nan, dtype)
        shape = table.conv_shape(x, w, out, layout, groups, before=before, after=after, **given)
        assert table.call("conv", shape, x, w, out) == OK
        assert bits(out) == bits(expected)


def test_conv_takes_any_strides() -> None:
    x = draw(1, "f4", 6, 3, 12, 2).transpose(3, 1, 0, 2)[..., ::-1]
    w = draw(2, "f4", 3, 3, 3, 5).transpose(3, 0, 2, 1)
    out = np.zeros((4, 10, 5, 2), "f4").transpose(3, 2, 0, 1)
    assert table.call("conv", table.conv_shape(x, w, out), x, w, out) == OK
    assert bits(out) == bits(st.conv2d(x, w))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_options(dtype: np.dtype[Any], activation: Any) -> None:
    terms = {name: draw(i, dtype, 6) for i, name in enumerate(("bias", "scale", "shift"))}
    a, b, residual = draw(4, dtype, 2, 5, 7), draw(5, dtype, 2, 7, 6), draw(6, dtype, 2, 6, 5).swapaxes(1, 2)
    x, w, image = draw(7, dtype, 2, 3, 5, 5), draw(8, dtype, 6, 3, 2, 2), draw(9, dtype, 2, 6, 4, 4)
    for precision in table.PRECISIONS:
        out = np.empty((2, 5, 6), dtype)
        how = table.options(activation, precision, residual=residual, **terms)
        assert table.call("matmul", table.matmul_shape(a, b, out), a, b, out, how) == OK
        st_how = {"activation": activation, "precision": precision}
        assert bits(out) == bits(st.matmul(a, b, residual=residual, **terms, **st_how))
        out = np.empty((2, 6, 4, 4), dtype)
        how = table.options(activation, precision, residual=image, **terms)
        assert table.call("conv", table.conv_shape(x, w, out), x, w, out, how) == OK
        assert bits(out) == bits(st.conv2d(x, w, residual=image, **terms, **st_how))


def test_one_term_alone() -> None:
    a, b, bias = draw(1, "f4", 2, 3, 4), draw(2, "f4", 2, 4, 5), draw(3, "f4", 5)
    out = np.empty((2, 3, 5), "f4")
    assert table.call("matmul", table.matmul_shape(a, b, out), a, b, out, table.options(bias=bias)) == OK
    assert bits(out) == bits(st.matmul(a, b, bias=bias))


@pytest.mark.parametrize("reversed_rows", [False, True])
def test_out_may_be_an_operand(reversed_rows: bool) -> None:
    a, b = draw(1, "f4", 3, 6, 6), draw(2, "f4", 3, 6, 6)
    expected = st.matmul(a, b)
    out = a[:, ::-1] if reversed_rows else a
    assert table.call("matmul", table.matmul_shape(a, b, out), a, b, out) == OK
    assert bits(out) == bits(expected)
    total = out + 0
    expected = st.matmul(a, b, residual=total)
    how = table.options(residual=total)
    assert table.call("matmul", table.matmul_shape(a, b, total), a, b, total, how) == OK
    assert bits(total) == bits(expected)


def test_arrays_without_elements_may_be_null() -> None:
    f = table.TABLE.matmul_f32
    assert f(table.MatmulShape(0, 4, 4, 4), None, None, None, 0, None) == OK
    out = np.full((2, 3, 4), np.nan, "f4")
    assert f(table.MatmulShape(2, 3, 4, 0), None, None, out.ctypes.data, 0, None) == OK
    assert not out.any()


A, B = draw(1, "f4", 2, 4, 4), draw(2, "f4", 2, 4, 4)
FAR = (ctypes.c_int64 * 3)(1 << 62, 4, 1)
REPEATED = (ctypes.c_int64 * 3)(0, 4, 1)


@pytest.mark.parametrize(
    ("changes", "how", "text"),
    [
        ({"m": -4}, {}, "matmul: a size of a is negative: a is (2, -4, 4)"),
        ({"k": 1 << 60}, {}, "matmul: a is too large: it is (2, 4, 1152921504606846976); at most 2^60 elements"),
        ({"a_strides": FAR}, {}, "matmul: the strides of an operand are too large: an operand is (2, 4, 4), "),
        ({"out_strides": REPEATED}, {}, "matmul: out repeats elements: out is (2, 4, 4), its strides are (0, 4, 1); "),
        ({}, {"activation": 13}, "matmul: unknown activation: 13; it must be 0 to 12"),
        ({}, {"activation": -1}, "matmul: unknown activation: -1; it must be 0 to 12"),
        ({}, {"precision": 3}, "matmul: unknown precision: 3; it must be 0 to 2"),
        ({}, {"size": 8}, "matmul: options.size is out of range: 8; it must be sizeof(stretto_options), 64"),
        ({}, {"size": 72}, "matmul: options.size is out of range: 72; it must be sizeof(stretto_options), 64"),
        ({}, {"scale": A.ctypes.data}, "matmul: scale and shift come together: one of them is missing; pass both or "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_arguments_of_matmul(changes: dict[str, Any], how: dict[str, Any], text: str) -> None:
    out = np.full((2, 4, 4), 7, "f4")
    shape, made = table.MatmulShape(2, 4, 4, 4), table.options()
    for name, value in changes.items():
        setattr(shape, name, value)
    for name, value in how.items():
        setattr(made, name, value)
    assert table.call("matmul", shape, A, B, out, made) == INVALID
    assert table.error_text().startswith(text)
    assert (out == 7).all()


@pytest.mark.parametrize("threads", [-1, 4097])
def test_wrong_threads(threads: int) -> None:
    out = np.full((2, 4, 4), 7, "f4")
    assert table.call("matmul", table.MatmulShape(2, 4, 4, 4), A, B, out, threads=threads) == INVALID
    assert (
        table.error_text() == f"matmul: threads is out of range: {threads}; it must be 1 to 4096, or 0 for the default"
    )
    assert (out == 7).all()


def test_wrong_pointers() -> None:
    f, shape = table.TABLE.matmul_f64, table.MatmulShape(1, 2, 2, 2)
    good = np.zeros(32).ctypes
    for place, name in enumerate(("a", "b", "out")):
        pointers = [good.data] * 3
        pointers[place] = None
        assert f(shape, *pointers, 0, None) == INVALID
        assert table.error_text() == f"matmul: {name} is NULL: its shape is (1, 2, 2); only an empty one may be"
        pointers[place] = good.data + 4
        assert f(shape, *pointers, 0, None) == INVALID
        assert table.error_text().startswith(f"matmul: {name} is not aligned: its address is 0x")
    assert f(None, good.data, good.data, good.data, 0, None) == INVALID
    assert table.error_text() == "matmul: shape is NULL: it must point to a stretto_matmul_shape"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"axes": 0}, "conv: axes is out of range: 0; it must be 1, 2 or 3"),
        ({"axes": 4}, "conv: axes is out of range: 4; it must be 1, 2 or 3"),
        ({"samples": -1}, "conv2d: a size of x is negative: x is (-1, 4, 5, 5)"),
        ({"groups": 3}, "conv2d: groups do not divide the channels: groups is 3, x has 4 channels, "),
        ({"groups": -1}, "conv2d: groups is out of range: -1; it must be 1 to "),
        ({"stride": (2, -1)}, "conv2d: stride is out of range: -1; it must be 1 to "),
        ({"before": (0, -1)}, "conv2d: padding is out of range: -1; it must be 0 to "),
        ({"kernel": (7, 3)}, "conv2d: the kernel is larger than the padded input: it spans 7 of 5 elements"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_arguments_of_conv(changes: dict[str, Any], text: str) -> None:
    x, w, out = draw(1, "f4", 2, 4, 5, 5), draw(2, "f4", 4, 4, 3, 3), np.full((2, 4, 3, 3), 7, "f4")
    shape = table.conv_shape(x, w, out)
    for name, value in changes.items():
        if isinstance(value, int):
            setattr(shape, name, value)
        else:
            getattr(shape, name)[:2] = value
    assert table.call("conv", shape, x, w, out) == INVALID
    assert table.error_text().startswith(text)
    assert (out == 7).all()


def test_out_of_memory() -> None:
    """A result of 2^52 bytes over its own operands would have to be formed aside."""
    room, repeated = np.zeros(4, "f4"), (ctypes.c_int64 * 3)()
    shape = table.MatmulShape(1, 1 << 30, 1 << 20, 1, repeated, repeated, None)
    assert table.call("matmul", shape, room, room, room) == NO_MEMORY
    assert table.error_text() == "stretto: out of memory"


def test_no_kernel() -> None:
    code = """
from tests.capi.test_calls import A, B, table
import numpy as np
out = np.full((2, 4, 4), 7, "f4")
print(table.call("matmul", table.matmul_shape(A, B, out), A, B, out), table.error_text(), (out == 7).all(), sep="|")
"""
    environment = {**os.environ, "STRETTO_ISA": "mmx"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT)
    status, text, untouched = done.stdout.strip().split("|")
    assert (int(status), untouched) == (NO_KERNEL, "True")
    assert "mmx" in text


def test_each_thread_has_its_own_error() -> None:
    wrong = table.MatmulShape(1, -1, 1, 1)
    table.TABLE.matmul_f32(wrong, None, None, None, 0, None)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(table.error_text()))
    thread.start()
    thread.join()
    assert seen == [""]
    assert table.error_text().startswith("matmul: a size of a is negative")


def test_many_threads_call_at_once() -> None:
    a, b = draw(1, "f4", 8, 40, 40), draw(2, "f4", 8, 40, 40)
    outs = [np.empty_like(a) for _ in range(4)]
    threads = [
        threading.Thread(target=table.call, args=("matmul", table.matmul_shape(a, b, out), a, b, out, None, 2))
        for out in outs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {bits(out) for out in outs} == {bits(st.matmul(a, b))}


def test_a_pending_signal_waits_for_the_call() -> None:
    """No Python may run inside a call: who calls from C expects no Python error, and may hold locks."""
    code = """
import os, signal, threading, time
import numpy as np
from tests.capi import table
a = np.ones((1, 1300, 1300)); out = np.full_like(a, np.nan)
complete = []
signal.signal(signal.SIGINT, lambda *_: complete.append(not np.isnan(out).any()))
threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
assert table.call("matmul", table.matmul_shape(a, a, out), a, a, out, threads=1) == 0
while not complete:
    time.sleep(0.001)
print(complete, (out == 1300).all())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[True] True\n"
