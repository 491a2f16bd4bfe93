"""Streams: batches that follow one another through a plan's workers, and results that come out in order."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from stretto import _core
from stretto.budget import Budget
from stretto.progress import Progress, reporter
from stretto.python_stages import Function, StagedLine
from stretto.timeline import Span, Timeline

__all__ = ["Channel", "Stream"]


@dataclass(slots=True)
class Channel:
    """What a runner lends to a stream."""

    plan: str  # for messages
    flow: _core.Flow
    workers: int
    in_flight: int
    bind: Callable[[Any], tuple[_core.Score, tuple[Any, ...], int]]  # a batch -> plan, arrays, samples
    bytes_of: Callable[[int], int]  # of a batch of so many samples: arenas, inputs and results
    steps: Sequence[str]
    give_back: Callable[[_core.Flow], None]


class Stream:
    """The results of a plan for every batch of an iterable, in order: an iterator, and an asynchronous one.

    Made by :meth:`stretto.Runner.stream`. A batch is one array, or a tuple of them where the network takes several.
    Batches are taken from the source when a result is asked for, so that at most ``in_flight`` are under way. An
    exception, from a stage or from the source, is raised after the results of all batches before it.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> x = np.arange(6, dtype="f4").reshape(2, 3) - 3
    >>> with st.plan(st.ReLU(), x, schedule="data", workers=2) as plan, plan.stream([x, -x, x[:1]]) as results:
    ...     [int(y.sum()) for y in results]
    [3, 6, 0]
    """

    def __init__(
        self,
        source: Iterable[Any] | AsyncIterable[Any],
        channel: Channel,
        *,
        memory_limit: int | None = None,
        progress: bool | Progress = False,
        copy: bool = True,
        timeline: bool = False,
        before: Sequence[Function] = (),
        after: Sequence[Function] = (),
        python_workers: int = 1,
    ) -> None:
        self._channel: Channel | None = None
        self._is_async = not hasattr(source, "__iter__") and hasattr(source, "__aiter__")
        self._source: Any = source.__aiter__() if self._is_async else iter(source)  # type: ignore[union-attr, arg-type]
        self._plan, self._steps = channel.plan, channel.steps
        self._flow = channel.flow
        self._bind, self._bytes_of = channel.bind, channel.bytes_of
        self._copy = copy and channel.in_flight > 1
        self._budget = None if memory_limit is None else Budget(memory_limit)
        self._reporter = reporter(progress, len(source) if isinstance(source, Sized) else None)
        self._with_timeline = timeline
        self._spans: list[tuple[int, int, int, int, int, int]] = []
        self._staged: StagedLine | None = None
        if before or after:
            self._staged = StagedLine(
                channel.flow, self._push_in_turn, before, after, python_workers, channel.in_flight, channel.workers
            )
        self._line = self._staged or channel.flow
        self._held: tuple[_core.Score, tuple[Any, ...], int] | None = None  # pulled, and waiting for memory
        self._samples: deque[int] = deque()  # of the batches in flight
        self._pulled = self._delivered = 0
        self._is_exhausted = False
        self._failure: BaseException | None = None  # raised after the results of the batches before it
        self._cancelled = ""  # why
        self._lock = threading.RLock()  # one caller at a time
        self._ending = threading.Lock()  # a flow that was given back is another's to cancel
        self._thread: ThreadPoolExecutor | None = None
        self._channel = channel
        _live.add(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._is_async:
            raise TypeError("stream: the source is asynchronous: take the results with async for")
        with self._lock:
            try:
                self._refuse_ended()
                wanted = self._wants_batch(True)
                while wanted:
                    try:
                        batch = next(self._source)
                    except StopIteration:
                        self._is_exhausted = True
                    except Exception as error:
                        self._fail(error)
                    else:
                        self._push(batch)
                    wanted = self._wants_batch(False)
                return self._deliver()
            except BaseException:
                self._end()
                raise

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        import asyncio

        if self._thread is None:  # one for all batches: it is a worker
            self._thread = ThreadPoolExecutor(1, "stretto-stream")
        loop = asyncio.get_running_loop()
        try:
            if self._is_async:
                await self._pull_asynchronously()
                result = await loop.run_in_executor(self._thread, self._delivered_or_end)
            else:
                result = await loop.run_in_executor(self._thread, next, self, _END)
        except BaseException:
            self.close()
            raise
        if result is _END:
            raise StopAsyncIteration
        return result

    async def _pull_asynchronously(self) -> None:
        wanted = self._channel is not None and self._wants_batch(True)
        while wanted:
            try:
                batch = await self._source.__anext__()
            except StopAsyncIteration:
                self._is_exhausted = True
            except Exception as error:
                self._fail(error)
            else:
                self._push(batch)
            wanted = self._wants_batch(False)

    def _delivered_or_end(self) -> Any:
        with self._lock:
            try:
                self._refuse_ended()
                return self._deliver()
            except StopIteration:
                self._end()
                return _END

    def _wants_batch(self, is_first: bool) -> bool:
        if self._held is not None and not self._push_held():
            return False
        line = self._line
        return not self._is_exhausted and line.has_room and (is_first or not line.head_has_finished)

    def _push(self, batch: Any) -> None:
        number = self._pulled
        self._pulled = number + 1
        if self._staged is not None:
            self._staged.push(batch)
            return
        try:
            score, arrays, samples = self._bind(batch)
            if self._budget is not None:
                self._check_size(samples)
                self._held = score, arrays, samples
                return
            self._flow.push(score, arrays, self._copy, self._with_timeline)
        except Exception as error:
            self._fail(_in_batch(error, number))
        else:
            self._samples.append(samples)

    def _push_held(self) -> bool:
        assert self._held is not None
        assert self._budget is not None
        score, arrays, samples = self._held
        if not self._budget.take(self._bytes_of(samples), wait=False):
            return False
        self._held = None
        self._flow.push(score, arrays, self._copy, self._with_timeline)
        self._samples.append(samples)
        return True

    def _push_in_turn(self, batch: Any, number: int) -> None:
        """The same on a thread of the Python stages, which may wait for memory."""
        try:
            score, arrays, samples = self._bind(batch)
            if self._budget is not None:
                self._check_size(samples)
                self._budget.take(self._bytes_of(samples), wait=True)
            self._flow.push(score, arrays, self._copy, self._with_timeline)
        except Exception as error:
            raise _in_batch(error, number) from None
        self._samples.append(samples)

    def _check_size(self, samples: int) -> None:
        assert self._budget is not None
        size = self._bytes_of(samples)
        if size > self._budget.limit:
            raise ValueError(
                f"stream: a batch of {samples} samples needs {size} bytes; memory_limit is {self._budget.limit}"
            )

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._is_exhausted = True

    def _deliver(self) -> Any:
        if self._line.is_empty:
            if self._failure is not None:
                raise self._failure
            raise StopIteration
        try:
            result = self._line.next()
        except CancelledError:
            self._refuse_ended()
            raise
        samples = self._samples.popleft()
        self._delivered += 1
        if self._budget is not None:
            self._budget.release()
        if self._with_timeline:
            self._spans += self._flow.spans()
        if self._reporter is not None:
            self._reporter.delivered(samples)
        return result

    def _refuse_ended(self) -> None:
        if self._cancelled:
            raise CancelledError(f"stream: {self._cancelled} after {self._delivered} batches: {self._plan}")
        if self._channel is None:
            if isinstance(self._failure, RuntimeError):
                raise self._failure
            raise StopIteration

    def cancel(self, reason: str = "cancelled") -> None:
        """End the stream, from any thread: who waits for its next result gets a CancelledError."""
        with self._ending:
            if self._channel is not None and not self._cancelled:
                self._cancelled = reason
                self._let_go()

    def close(self) -> None:
        """End what is in flight and free its memory; the stream is over."""
        with self._ending:
            if self._channel is None:
                return
            self._let_go()
        with self._lock:
            self._end()

    def _let_go(self) -> None:
        if self._staged is not None:
            self._staged.cancel()
        if self._budget is not None:
            self._budget.release_all()
        self._flow.cancel()

    def _end(self) -> None:
        with self._ending:
            channel, self._channel = self._channel, None
        if channel is None:
            return
        if self._budget is not None:
            self._budget.release_all()
        if self._staged is not None:
            self._staged.close()
        self._flow.stop()
        channel.give_back(self._flow)
        self._held = None
        if self._reporter is not None:
            self._reporter.close()
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_channel", None) is not None:
            self.close()

    def timeline(self) -> Timeline:
        """What ran when, for the batches delivered so far; a batch's number stands for the micro-batch.

        Python stages have lanes of their own, after those of the workers. Needs ``stream(..., timeline=True)``.
        """
        if not self._with_timeline:
            raise ValueError("stream: nothing was recorded; ask for it with stream(..., timeline=True)")
        begins = [span[4] for span in self._spans]
        if self._staged is not None:
            begins += self._staged.begins()
        origin = min(begins, default=0)
        spans = [
            Span(w, g, i, self._steps[i], m, (b - origin) * 1e-9, (e - origin) * 1e-9)
            for w, g, i, m, b, e in self._spans
        ]
        if self._staged is not None:
            spans += self._staged.spans(origin)
        return Timeline(tuple(sorted(spans, key=lambda s: (s.begin, s.worker))))

    def _leave_behind(self) -> None:
        """In a forked child: the workers are the parent's."""
        self._lock, self._ending = threading.RLock(), threading.Lock()
        self._channel = None
        self._failure = RuntimeError("stream: it was opened before a fork, and its workers stayed behind; open another")


_END = object()
_live: weakref.WeakSet[Stream] = weakref.WeakSet()


def _in_batch(error: Exception, number: int) -> Exception:
    """An error of the arrays, with the batch's number in its text."""
    if type(error) in (ValueError, TypeError):
        return type(error)(f"{error} [batch {number}]")
    error.add_note(f"in batch {number} of the stream")
    return error


def _close_all() -> None:
    for stream in list(_live):
        stream.close()


def _leave_all_behind() -> None:
    for stream in list(_live):
        stream._leave_behind()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_leave_all_behind)
