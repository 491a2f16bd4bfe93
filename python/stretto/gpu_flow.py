"""Flows on a GPU: while a batch of host arrays is computed there, the next one arrives and the last one leaves."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any, TypeAlias

import numpy as np

from stretto import _core
from stretto.program import Array

__all__ = ["Flow", "GpuFlow"]


class GpuFlow:
    """What :class:`_core.Flow` is for the host, for plans on GPUs and NumPy arrays.

    Each of ``in_flight`` batches has a CUDA stream, on which it goes through page-locked memory to the GPU, through the
    plan, and back. Only :meth:`next` waits. One thread pushes and one takes; they may be two.
    """

    def __init__(self, in_flight: int) -> None:
        self._in_flight = in_flight
        self._idle: dict[int, list[Any]] = {}  # streams, by GPU
        self._pending: deque[_Batch] = deque()
        self._is_cancelled = False
        self.pushed = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in flight."""
        return not self._pending

    @property
    def head_has_finished(self) -> bool:
        """Whether the oldest batch is back."""
        return bool(self._pending) and self._pending[0].is_done

    def wants_batch(self, is_first: bool) -> bool:
        """Whether to push another batch: the first one if there is room, a further one while nothing is ready."""
        return len(self._pending) < self._in_flight and (is_first or not self.head_has_finished)

    def push(self, plan: _core.DevicePlan, arrays: Sequence[Array], copy: bool, timeline: bool) -> bool:
        """Put a batch on its stream; the arrays may be written to at once. What goes wrong is raised in its turn."""
        idle = self._idle.setdefault(plan.device, [])
        self._pending.append(_Batch(plan, arrays, idle.pop() if idle else _new_stream(plan.device)))
        self.pushed += 1
        return self.wants_batch(False)

    def next(self) -> Any:
        """The oldest batch's result, as new arrays of the host."""
        if not self._pending:
            raise StopIteration
        self._pending[0].wait()
        if self._is_cancelled:
            raise CancelledError
        return self._forget_oldest().result()

    def _forget_oldest(self) -> _Batch:
        batch = self._pending.popleft()
        self._idle[batch.gpu].append(batch.stream)
        return batch

    def spans(self) -> list[Any]:
        """None: what the GPU does when is not known."""
        return []

    def stop(self) -> None:
        """Wait for all that is in flight and forget it; the flow can be used again."""
        while self._pending:
            self._pending[0].wait()
            self._forget_oldest()
        self._is_cancelled = False
        self.pushed = 0

    def cancel(self) -> None:
        """From any thread: who waits for a result gets a CancelledError."""
        self._is_cancelled = bool(self._pending)

    def skip(self, number: int) -> None:
        """A batch that is on its stream cannot be taken back."""

    def watch(self, seconds: float) -> None:
        """There are no workers to watch."""


def _new_stream(gpu: int) -> Any:
    cupy = sys.modules["cupy"]
    with cupy.cuda.Device(gpu):
        return cupy.cuda.Stream(non_blocking=True)


class _Batch:
    """A batch on its way, and the memory that it needs until it is back."""

    def __init__(self, plan: _core.DevicePlan, arrays: Sequence[Array], stream: Any) -> None:
        self._cupy = sys.modules["cupy"]
        self.gpu, self.stream = plan.device, stream
        self._held: list[Any] = []
        self._results: list[Array] = []
        self._is_tuple = False
        self._error: Exception | None = None
        with self._cupy.cuda.Device(self.gpu), stream:
            self._done = self._cupy.cuda.Event(block=True, disable_timing=True)
            try:
                results = plan.run(tuple(self._sent(a) for a in arrays))
                self._is_tuple = isinstance(results, tuple)
                for result in results if self._is_tuple else (results,):
                    self._take(result)
            except Exception as error:
                self._error = error
            except BaseException:  # a Ctrl-C: nobody will wait before the memory goes back
                stream.synchronize()
                raise
            self._done.record(stream)

    def _locked(self, shape: tuple[int, ...], dtype: Any) -> tuple[Array, int]:
        """An array in page-locked memory, and its address."""
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        memory = self._cupy.cuda.alloc_pinned_memory(max(size, 1))
        self._held.append(memory)
        return np.frombuffer(memory, np.uint8, size).view(dtype).reshape(shape), memory.ptr

    def _sent(self, array: Array) -> Any:
        locked, address = self._locked(array.shape, array.dtype)
        locked[...] = array
        sent = self._cupy.empty(array.shape, array.dtype)
        self._held.append(sent)
        self._copy(sent.data.ptr, address, locked.nbytes, self._cupy.cuda.runtime.memcpyHostToDevice)
        return sent

    def _take(self, result: Any) -> None:
        locked, address = self._locked(result.shape, result.dtype)
        self._held.append(result)
        self._results.append(locked)
        self._copy(address, result.data.ptr, locked.nbytes, self._cupy.cuda.runtime.memcpyDeviceToHost)

    def _copy(self, to: int, from_: int, size: int, kind: int) -> None:
        if size:
            self._cupy.cuda.runtime.memcpyAsync(to, from_, size, kind, self.stream.ptr)

    @property
    def is_done(self) -> bool:
        return bool(self._done.done)

    def wait(self) -> None:
        self._done.synchronize()

    def result(self) -> Any:
        """New arrays, so that the page-locked memory goes back at once."""
        if self._error is not None:
            raise self._error
        results = tuple(locked.copy() for locked in self._results)
        return results if self._is_tuple else results[0]


Flow: TypeAlias = _core.Flow | GpuFlow
