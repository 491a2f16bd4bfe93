"""Streams: batches that follow one another through a plan's workers, and results that come out in order."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence, Sized
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import TracebackType
from typing import Any

from stretto.channels import Channel
from stretto.feed import Feed
from stretto.progress import Progress, reporter
from stretto.python_stages import Function
from stretto.timeline import Timeline

__all__ = ["Stream"]


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
        self._is_open = False
        self._is_async = not hasattr(source, "__iter__") and hasattr(source, "__aiter__")
        self._source: Any = source.__aiter__() if self._is_async else iter(source)  # type: ignore[union-attr, arg-type]
        self._plan = channel.plan
        told = reporter(progress, len(source) if isinstance(source, Sized) else None)
        self._feed = Feed(channel, memory_limit, copy, timeline, before, after, python_workers, told)
        self._why_ended: Exception | None = None  # None: it came to its end
        self._lock = threading.RLock()  # one caller at a time
        self._ending = threading.Lock()  # a channel that was given back is another's
        self._thread: ThreadPoolExecutor | None = None
        self._is_open = True
        _live.add(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._is_async:
            raise TypeError("stream: the source is asynchronous: take the results with async for")
        with self._lock:
            try:
                if not self._is_open or self._why_ended is not None:
                    self._refuse_ended()
                feed = self._feed
                wanted = feed.wants_batch(True)
                while wanted:
                    try:
                        batch = next(self._source)
                    except StopIteration:
                        feed.exhaust()
                        break
                    except Exception as error:
                        feed.fail(error)
                        break
                    wanted = feed.push(batch)
                return feed.deliver()
            except BaseException as error:
                self._end()
                self._say_why(error)
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
                result = await loop.run_in_executor(self._thread, self._deliver_or_end)
            else:
                result = await loop.run_in_executor(self._thread, next, self, _END)
        except BaseException:
            self.close()
            raise
        if result is _END:
            raise StopAsyncIteration
        return result

    async def _pull_asynchronously(self) -> None:
        feed = self._feed
        wanted = self._is_open and feed.wants_batch(True)
        while wanted:
            try:
                batch = await self._source.__anext__()
            except StopAsyncIteration:
                feed.exhaust()
                break
            except Exception as error:
                feed.fail(error)
                break
            wanted = feed.push(batch)

    def _deliver_or_end(self) -> Any:
        with self._lock:
            try:
                self._refuse_ended()
                return self._feed.deliver()
            except StopIteration:
                self._end()
                return _END
            except BaseException as error:
                self._end()
                self._say_why(error)
                raise

    def _say_why(self, error: BaseException) -> None:
        # A cancelled flow does not know who did it.
        if self._why_ended is not None and isinstance(error, CancelledError):
            raise self._why_ended from None

    def _refuse_ended(self) -> None:
        if self._why_ended is not None:
            raise self._why_ended
        if not self._is_open:
            raise StopIteration

    def cancel(self, reason: str = "cancelled") -> None:
        """End the stream, from any thread: who asks for its next result gets a CancelledError."""
        with self._ending:
            if self._is_open and self._why_ended is None:
                text = f"stream: {reason} after {self._feed.delivered} batches: {self._plan}"
                self._why_ended = CancelledError(text)
                self._feed.let_go()

    def close(self) -> None:
        """End what is in flight and free its memory; the stream is over."""
        with self._ending:
            if not self._is_open:
                return
            self._feed.let_go()
        with self._lock:
            self._end()

    def _end(self) -> None:
        with self._ending:
            if not self._is_open:
                return
            self._is_open = False
        self._feed.end()
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._is_open:
            self.close()

    def timeline(self) -> Timeline:
        """What ran when, for the batches delivered so far; a batch's number stands for the micro-batch.

        Python stages have lanes of their own, after those of the workers. Needs ``stream(..., timeline=True)``.
        """
        return self._feed.timeline()

    def _leave_behind(self) -> None:
        """In a forked child: the workers are the parent's."""
        self._lock, self._ending = threading.RLock(), threading.Lock()
        self._is_open = False
        self._why_ended = RuntimeError(
            "stream: it was opened before a fork, and its workers stayed behind; open another"
        )


_END = object()
_live: weakref.WeakSet[Stream] = weakref.WeakSet()


def _close_all() -> None:
    for stream in list(_live):
        stream.close()


def _leave_all_behind() -> None:
    for stream in list(_live):
        stream._leave_behind()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_leave_all_behind)
