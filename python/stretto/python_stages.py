"""Python stages: plain functions on one item of a stream, run on threads of their own beside the workers."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeAlias

from stretto.gpu_flow import Flow
from stretto.timeline import Span

__all__ = ["Function", "StagedLine", "functions_of"]

Function: TypeAlias = Callable[[Any], Any]


def functions_of(name: str, given: Function | Sequence[Function] | None) -> tuple[Function, ...]:
    """``before=`` and ``after=`` as a tuple of functions."""
    if given is None:
        return ()
    functions = (given,) if callable(given) else tuple(given)
    for function in functions:
        if not callable(function):
            raise TypeError(f"stream: {name} is not callable: {function!r}; it must be a function or several of them")
    return functions


class Turnstile:
    """Lets items through one at a time, by their number."""

    def __init__(self) -> None:
        self._next = 0
        self._is_closed = False
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._next == number)
            if self._is_closed:
                raise CancelledError("stream: it was ended")
        try:
            yield
        finally:
            with self._changed:
                self._next = number + 1
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class Crew:
    """Python threads that apply functions, each with a lane in the timeline."""

    def __init__(self, functions: Sequence[Function], threads: int, lane: int) -> None:
        self._functions = functions
        self._lanes = itertools.count(lane)
        self._own = threading.local()
        self.pool = ThreadPoolExecutor(threads, "stretto-python", self._take_lane)
        self.spans: list[tuple[int, str, int, int, int]] = []  # lane, function, item, begin and end in ns

    def _take_lane(self) -> None:
        self._own.lane = next(self._lanes)

    def apply(self, item: Any, number: int) -> Any:
        for function in self._functions:
            name = getattr(function, "__name__", type(function).__name__)
            begin = time.perf_counter_ns()
            try:
                item = function(item)
            except StopIteration as error:  # which would end the stream unseen
                raise RuntimeError(f"stream: the Python stage {name} raised StopIteration on item {number}") from error
            except Exception as error:
                error.add_note(f"in the Python stage {name}, on item {number} of the stream")
                raise
            self.spans.append((self._own.lane, name, number, begin, time.perf_counter_ns()))
        return item


class StagedLine:
    """A flow with Python stages before and after it; items leave in the order in which they came.

    Parameters
    ----------
    flow : Flow
        All of whose workers are threads.
    push : callable
        ``push(item, number)`` pushes an item into the flow, and waits for memory.
    before, after : sequence of callable
    threads : int
        For each of the two.
    in_flight, workers : int
        Of the flow.
    """

    def __init__(
        self,
        flow: Flow,
        push: Callable[[Any, int], None],
        before: Sequence[Function],
        after: Sequence[Function],
        threads: int,
        in_flight: int,
        workers: int,
    ) -> None:
        self._flow = flow
        self._push = push
        self._before = Crew(before, threads, workers)
        self._after = Crew(after, threads, workers + threads) if after else None
        self._in_flight = in_flight
        self._entering, self._leaving = Turnstile(), Turnstile()
        self._entered: deque[Future[None]] = deque()
        self._left: deque[Future[Any]] = deque()
        self._count = 0

    def wants_batch(self, is_first: bool) -> bool:
        """As of a flow: the first one if there is room, a further one while nothing is ready."""
        return len(self._entered) < self._in_flight and (is_first or not self._head_has_finished())

    def _head_has_finished(self) -> bool:
        if not self._entered:
            return False
        if self._after is not None:
            return self._left[0].done()
        return self._entered[0].done() and self._flow.head_has_finished

    def push(self, item: Any) -> None:
        number = self._count
        self._count += 1
        entered = self._before.pool.submit(self._enter, item, number)
        self._entered.append(entered)
        if self._after is not None:
            self._left.append(self._after.pool.submit(self._leave, entered, number))

    def next(self) -> Any:
        """The result of the oldest item; raises what became of it, or StopIteration when there is none."""
        if not self._entered:
            raise StopIteration
        entered = self._entered[0]
        if self._after is None:
            entered.result()
            result = self._flow.next()
        else:
            result = self._left[0].result()
            self._left.popleft()
        self._entered.popleft()
        return result

    def _enter(self, item: Any, number: int) -> None:
        item = self._before.apply(item, number)
        with self._entering.turn(number):
            self._push(item, number)

    def _leave(self, entered: Future[None], number: int) -> Any:
        assert self._after is not None
        entered.result()
        with self._leaving.turn(number):
            result = self._flow.next()
        return self._after.apply(result, number)

    def cancel(self) -> None:
        """Let nobody wait any longer."""
        self._entering.close()
        self._leaving.close()

    def close(self) -> None:
        """End the threads; functions that run are waited for."""
        self.cancel()
        self._flow.cancel()
        for crew in (self._before, self._after):
            if crew is not None:
                crew.pool.shutdown(wait=True, cancel_futures=True)

    def begins(self) -> list[int]:
        """When each function began, in ns."""
        return [span[3] for crew in (self._before, self._after) if crew is not None for span in crew.spans]

    def spans(self, origin: int) -> list[Span]:
        """The functions' spans, in seconds from ``origin`` (ns)."""
        found = self._before.spans + (self._after.spans if self._after is not None else [])
        return [
            Span(lane, -1, -1, name, number, (begin - origin) * 1e-9, (end - origin) * 1e-9)
            for lane, name, number, begin, end in found
        ]
