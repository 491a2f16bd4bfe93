"""A module in the place of CuPy: as much of it as stretto uses, over the memory of ``memory.py``.

With ``STRETTO_TEST_CUPY=real`` the installed CuPy is used instead, its allocator, its current stream and device
replaced, so that it needs no driver.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
import threading
import types
from typing import Any

import numpy as np

from tests.cuda import memory

REAL = os.environ.get("STRETTO_TEST_CUPY") == "real"
_numbers = itertools.count(0x8010, 0x10)  # of streams


class _State(threading.local):
    """What CuPy keeps for each thread, and what the tests want to know of it."""

    device, stream, waits, is_capturing = 0, 0x5000, 0, False


state = _State()


class _Current:
    """The stream of the calling thread."""

    @property
    def ptr(self) -> int:
        return state.stream + state.device

    def synchronize(self) -> None:
        state.waits += 1

    def is_capturing(self) -> bool:
        return state.is_capturing


class _Stream:
    """Another stream. What it copies to the host is there when an event behind the copy is waited for."""

    def __init__(self, non_blocking: bool = False) -> None:
        assert non_blocking
        self.number, self.device = next(_numbers), state.device
        self.ptr = self.number + self.device
        _copies[self.ptr] = []

    def __enter__(self) -> _Stream:
        assert state.device == self.device
        self.before, state.stream = state.stream, self.number
        return self

    def __exit__(self, *_: object) -> None:
        state.stream = self.before

    def synchronize(self) -> None:
        state.waits += 1
        with memory.opened():
            for to, from_, size in _copies[self.ptr]:
                ctypes.memmove(to, from_, size)
        _copies[self.ptr].clear()


class _Event:
    def __init__(self, block: bool = False, disable_timing: bool = False) -> None:
        self.copies: list[tuple[int, int, int]] = []

    def record(self, stream: _Stream) -> None:
        self.copies, _copies[stream.ptr] = _copies[stream.ptr], []

    @property
    def done(self) -> bool:
        return not self.copies

    def synchronize(self) -> None:
        state.waits += 1
        with memory.opened():
            for to, from_, size in self.copies:
                ctypes.memmove(to, from_, size)
        self.copies = []


_copies: dict[int, list[tuple[int, int, int]]] = {}
TO_DEVICE, TO_HOST = 1, 2


def _copy(to: int, from_: int, size: int, kind: int, stream: int) -> None:
    assert stream == state.stream + state.device
    if kind == TO_HOST:
        _copies[stream].append((to, from_, size))
        return
    assert kind == TO_DEVICE
    with memory.opened():
        ctypes.memmove(to, from_, size)


def _pinned(size: int) -> Any:
    """Page-locked memory, full of NaN."""
    block: Any = type("Pinned", (ctypes.c_char * size,), {})(*[0xFF] * size)
    block.ptr = ctypes.addressof(block)
    return block


class _Device:
    def __init__(self, number: int) -> None:
        self.number, self.before = number, None

    def __enter__(self) -> _Device:
        self.before, state.device = state.device, self.number
        return self

    def __exit__(self, *_: object) -> None:
        state.device = self.before


class _Pointer:
    def __init__(self, mem: Any, offset: int, device_id: int) -> None:
        self.mem, self.ptr, self.device_id = mem, mem.address + offset, device_id


class _Array:
    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any = float,
        memptr: Any = None,
        strides: tuple[int, ...] | None = None,
    ) -> None:
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        like = np.lib.stride_tricks.as_strided(np.empty(1, self.dtype), self.shape)
        contiguous, step = [], self.dtype.itemsize
        for n in reversed(self.shape):
            contiguous.insert(0, step)
            step *= max(n, 1)
        self.strides = tuple(contiguous) if strides is None else tuple(strides)
        self._c_contiguous = np.lib.stride_tricks.as_strided(
            np.empty(1, self.dtype), self.shape, self.strides
        ).flags.c_contiguous
        size = max(like.size * self.dtype.itemsize, 1)
        self.data = _Pointer(memory.allocator.take(size), 0, state.device) if memptr is None else memptr
        self.ndim = len(self.shape)

    @property
    def device(self) -> _Device:
        return _Device(self.data.device_id)

    def copy(self) -> _Array:
        return to_device(to_host(self).copy(), state.device)

    def tobytes(self) -> bytes:
        return to_host(self).tobytes()


def _taken(x: Any) -> Any:
    return to_device(x, state.device) if isinstance(x, np.ndarray) else x.array  # of the exporters in the tests


_Array.__name__ = _Array.__qualname__ = "ndarray"
_Array.__module__ = "cupy"


def _fake() -> types.ModuleType:
    module = types.ModuleType("cupy")
    module.ndarray = _Array
    module.cuda = types.SimpleNamespace(
        runtime=types.SimpleNamespace(memcpyHostToDevice=TO_DEVICE, memcpyDeviceToHost=TO_HOST),
        alloc=lambda size: _Pointer(memory.allocator.take(size), 0, state.device),
    )
    module.empty = _Array
    return module


def _real() -> types.ModuleType:
    import cupy

    def pointer(size: int) -> Any:
        block = memory.allocator.take(size)
        owner = cupy.cuda.UnownedMemory(block.address, block.size, block, device_id=state.device)
        return cupy.cuda.MemoryPointer(owner, 0)

    cupy.cuda.set_allocator(pointer)
    return cupy


module = _real() if REAL else _fake()
module.cuda.get_current_stream = _Current
module.cuda.Stream, module.cuda.Event, module.cuda.Device = _Stream, _Event, _Device
module.cuda.alloc_pinned_memory = _pinned
module.cuda.runtime.getDevice = lambda: state.device
module.cuda.runtime.memcpyAsync = _copy
module.from_dlpack = module.asarray = _taken
module.asnumpy = lambda x: to_host(x)


def install() -> None:
    """From now on ``cupy`` is imported, as far as stretto can see."""
    sys.modules["cupy"] = module


def to_device(x: Any, device: int = 0) -> Any:
    """A CuPy array of the same elements, shape and strides."""
    x = np.asarray(x)
    block, offset = memory.upload(x)
    if REAL:
        owner = module.cuda.UnownedMemory(block.address, block.size, block, device_id=device)
        return module.ndarray(x.shape, x.dtype, module.cuda.MemoryPointer(owner, offset), strides=x.strides)
    return module.ndarray(x.shape, x.dtype, _Pointer(block, offset, device), x.strides)


def to_host(x: Any) -> np.ndarray:
    """``cupy.asnumpy``."""
    return memory.download(x.data.ptr, x.shape, x.strides, np.dtype(x.dtype))
