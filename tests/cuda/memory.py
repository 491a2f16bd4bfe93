"""A device's memory that lies in the host's, closed to all but the kernels of the host table and this file."""

from __future__ import annotations

import ctypes
import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from stretto import _core

BYTES = 64 << 20
ALIGNED = 256
_map = mmap.mmap(-1, BYTES)
BEGIN = ctypes.addressof(ctypes.c_char.from_buffer(_map))


@contextmanager
def opened() -> Iterator[None]:
    """The memory may be looked at from the host."""
    _core.open_host_memory(True)
    try:
        yield
    finally:
        _core.open_host_memory(False)


class Allocator:
    """Gives out memory full of NaN, and counts what is in use."""

    def __init__(self) -> None:
        self.used = 0
        self.live = 0
        self.lock = threading.RLock()  # blocks may go at any moment

    def take(self, size: int) -> Block:
        size = max(size, 1)
        with self.lock:
            begin = self.used
            self.used += -(-size // ALIGNED) * ALIGNED
            if self.used > BYTES:
                raise MemoryError("the tests' device is full")
            block = Block(self, BEGIN + begin, size)
        with opened():
            ctypes.memset(block.address, 0xFF, size)
        return block


class Block:
    """A piece of the memory; everything is free again once all of them are gone."""

    def __init__(self, allocator: Allocator, address: int, size: int) -> None:
        self.address, self.size, self._allocator = address, size, allocator
        allocator.live += 1

    def __del__(self) -> None:
        with self._allocator.lock:
            self._allocator.live -= 1
            if self._allocator.live == 0:
                self._allocator.used = 0


allocator = Allocator()


def span_of(x: np.ndarray) -> tuple[int, int]:
    """The first byte of an array's elements before its data pointer, and their number."""
    if x.size == 0:
        return 0, 1
    steps = [(n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)]
    low = sum(s for s in steps if s < 0)
    return low, sum(s for s in steps if s > 0) + x.itemsize - low


def upload(x: np.ndarray) -> tuple[Block, int]:
    """The elements of an array, strides, alignment and all: the block, and the offset of the first element."""
    low, size = span_of(x)
    shift = (x.ctypes.data + low) % 16
    block = allocator.take(size + shift)
    if x.size:
        with opened():
            ctypes.memmove(block.address + shift, x.ctypes.data + low, size)
    return block, shift - low


def download(address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """A copy of an array of the memory."""
    like = np.lib.stride_tricks.as_strided(np.empty(1, dtype), shape, strides)
    low, size = span_of(like)
    with opened():
        raw = ctypes.string_at(address + low, size) if like.size else b"\0" * max(dtype.itemsize, 1)
    flat = np.frombuffer(bytearray(raw), "u1")
    return np.ndarray(shape, dtype, flat, -low, strides).copy()
