"""The server: single samples from many threads, run in batches."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from stretto.program import Array, Program
from stretto.serve.samples import inputs_of, outputs_of, sizes_up_to
from stretto.serve.stats import ServerStats

__all__ = ["Server"]

REMEMBERED = 10_000  # latencies that the percentiles are taken of


class Served(Protocol):
    """What a Server needs of a Runner."""

    program: Program

    def __call__(self, *arrays: Any) -> Any: ...

    def peak_bytes(self, samples: int) -> int: ...


@dataclass(slots=True, eq=False)
class Request:
    """One sample of each input, and where its result goes."""

    samples: list[Array]
    came: float
    future: Future[Any] = field(default_factory=Future)


class Server:
    """Runs single samples from any number of threads in batches; each result has the bits it would have alone.

    One thread takes what has come, runs it, hands out the rows, and takes what has come meanwhile. It waits for
    company only where that can pay:

    * A request that finds the server idle runs at once, alone.
    * Right after a batch, as many requests are expected as were in it or came during it: callers who wait for their
      answer and ask again. For these the server waits, at most ``max_wait`` seconds from the first request's coming,
      and at most as long as the last batch took, for by then running at once would have been over.

    Batches are filled up to 1, 2, 3, 4, 6, 8, 12, 16, ... samples with copies of the last one, so that few plans are
    open; no result depends on what it travels with.

    When a batch fails, its requests run one by one, so that only those fail that fail alone.

    Parameters
    ----------
    runner : Runner
        Its network must not mix samples, and all its inputs and outputs must have a batch axis. It stays open when
        the server closes.
    max_batch : int
        Samples that run together, at most.
    max_wait : float
        Seconds that a request may wait for company; 0 never waits.
    max_queue : int
        Requests that may wait; more make their callers wait.

    Raises
    ------
    ValueError
        If the network cannot be cut into samples, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> from stretto.serve import Server
    >>> net, x = st.Linear(3, 2), np.ones((8, 3), "f4")
    >>> with st.plan(net, x, schedule="serial") as plan, Server(plan, max_batch=8) as server:
    ...     later = [server.submit(sample) for sample in x]
    ...     bool((server(x[0]) == net(x)[0]).all()), later[7].result().shape
    (True, (2,))
    """

    def __init__(self, runner: Served, *, max_batch: int = 32, max_wait: float = 0.002, max_queue: int = 1024) -> None:
        for name, count in (("max_batch", max_batch), ("max_queue", max_queue)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ValueError(f"serve: {name} is out of range: {count!r}; it must be a positive integer")
        if not 0 <= max_wait < float("inf"):
            raise ValueError(f"serve: max_wait is out of range: {max_wait!r}; it must be seconds, at least 0")
        self._inputs, self._outputs = inputs_of(runner.program), outputs_of(runner.program)
        self.runner = runner
        self.max_batch, self.max_wait, self.max_queue = max_batch, max_wait, max_queue
        self._sizes = sizes_up_to(max_batch)
        for size in self._sizes:
            runner.peak_bytes(size)  # opens the plan, so that no request waits for that
        self._queue: deque[Request] = deque()
        self._lock = threading.Lock()
        self._came, self._room = threading.Condition(self._lock), threading.Condition(self._lock)
        # An executor rather than a thread: the interpreter's exit lets it finish what is pending, then ends it.
        self._thread = ThreadPoolExecutor(1, "stretto-serve")
        self._process, self._running_on = os.getpid(), 0
        self._active = self._closed = False
        self._expected, self._last_end, self._last_seconds = 1, 0.0, 0.0
        self._answered = self._failed = self._batches = 0
        self._latencies: deque[float] = deque(maxlen=REMEMBERED)

    def __call__(self, *samples: Any, timeout: float | None = None) -> Any:
        """Run one sample and wait for its result; Ctrl-C ends the wait at once.

        Parameters
        ----------
        *samples : array
            One for each input of the network, without the batch axis.
        timeout : float, optional
            Seconds after which ``TimeoutError`` is raised and the request is given up.

        Returns
        -------
        array, or tuple of arrays
            What the network returns for this sample, without the batch axis.
        """
        began = time.monotonic()
        future = self.submit(*samples, timeout=timeout)
        try:
            return future.result(None if timeout is None else max(0.0, timeout - (time.monotonic() - began)))
        except TimeoutError:
            if future.done():  # just now, or with an error of that name
                return future.result()
            raise TimeoutError(f"serve: no result in {timeout} seconds; {len(self._queue)} requests wait") from None
        finally:
            future.cancel()

    def submit(self, *samples: Any, timeout: float | None = None) -> Future[Any]:
        """Run one sample some time; returns at once, or as soon as there is room in the queue.

        The samples are copied. A future that is cancelled before its batch begins is not run.

        Raises
        ------
        TypeError, ValueError
            If a sample does not fit the network, or the server is closed.
        TimeoutError
            If there is no room in the queue for ``timeout`` seconds; 0 refuses at once.
        """
        request = Request(self._bound(samples), time.perf_counter())
        if os.getpid() != self._process:
            raise RuntimeError("serve: the process was forked after the server was made; make one in the child")
        with self._lock:
            if not self._room.wait_for(lambda: self._closed or len(self._queue) < self.max_queue, timeout):
                raise TimeoutError(
                    f"serve: the queue is full: {len(self._queue)} requests wait, max_queue allows no more"
                )
            if self._closed:
                raise ValueError("serve: the server is closed; make a new one")
            if not self._active:
                self._thread.submit(self._serve)
                self._active = True
            self._queue.append(request)
            if len(self._queue) >= self._expected:
                self._came.notify()
        return request.future

    def stats(self) -> ServerStats:
        """Requests, batches and percentiles of the latency, from ``submit`` to the result."""
        with self._lock:
            p50, p95, p99 = np.percentile(self._latencies, (50, 95, 99)).tolist() if self._latencies else (0.0,) * 3
            return ServerStats(self._answered, self._failed, self._batches, p50, p95, p99, len(self._queue))

    def close(self, *, cancel: bool = False) -> None:
        """Take no more requests; finish those that wait, or cancel them.

        At the exit of the interpreter, an open server finishes what waits.
        """
        with self._lock:
            self._closed = True
            given_up = list(self._queue) if cancel else []
            if cancel:
                self._queue.clear()
            self._came.notify_all()
            self._room.notify_all()
        for request in given_up:
            request.future.cancel()
        # A callback of a future runs on the server's thread, which cannot wait for itself.
        self._thread.shutdown(wait=threading.get_ident() != self._running_on)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(cancel=error is not None)

    def _bound(self, samples: Sequence[Any]) -> list[Array]:
        if len(samples) != len(self._inputs):
            raise TypeError(f"serve: {len(samples)} arrays given; the network takes {len(self._inputs)}")
        return [what.copied(sample) for what, sample in zip(self._inputs, samples, strict=True)]

    def _serve(self) -> None:
        """Run a batch, and arrange for the next if anybody waits."""
        self._running_on = threading.get_ident()
        while True:
            with self._lock:
                self._wait_for_company()
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self.max_batch))]
                self._room.notify(len(batch))
            self._answer([r for r in batch if r.future.set_running_or_notify_cancel()])
            with self._lock:
                if not self._queue:
                    self._active = False
                    return
                if not self._closed:
                    try:
                        self._thread.submit(self._serve)
                        return
                    except RuntimeError:  # the interpreter exits: finish what is there, take no more
                        self._closed = True
                        self._room.notify_all()

    def _wait_for_company(self) -> None:
        patience = min(self.max_wait, self._last_seconds)
        if time.perf_counter() - self._last_end > patience:
            self._expected = 1  # whoever was here has gone
        while self._queue and len(self._queue) < self._expected and not self._closed:
            left = self._queue[0].came + patience - time.perf_counter()
            if left <= 0:
                break
            self._came.wait(left)

    def _answer(self, requests: Sequence[Request]) -> None:
        if not requests:
            return
        began = time.perf_counter()
        try:
            rows = self._run(requests)
        except BaseException as error:
            if len(requests) > 1:
                for request in requests:
                    self._answer([request])
                return
            self._count(requests, began, failed=1)
            requests[0].future.set_exception(error)
        else:
            self._count(requests, began)
            for request, row in zip(requests, rows, strict=True):
                request.future.set_result(row)

    def _count(self, requests: Sequence[Request], began: float, failed: int = 0) -> None:
        """Before the answers go out: who gets one may come again at once."""
        now = time.perf_counter()
        with self._lock:
            self._batches += 1
            self._answered += len(requests)
            self._failed += failed
            self._latencies.extend(now - request.came for request in requests)
            self._last_end, self._last_seconds = now, now - began
            self._expected = min(len(requests) + len(self._queue), self.max_batch, self.max_queue)

    def _run(self, requests: Sequence[Request]) -> list[Any]:
        size = next(size for size in self._sizes if size >= len(requests))
        filled = [*requests, *[requests[-1]] * (size - len(requests))]
        batch = [np.stack([request.samples[k] for request in filled], what.axis) for k, what in enumerate(self._inputs)]
        results = self.runner(*batch)
        if not self.runner.program.returns_tuple:
            return [self._outputs[0].row(results, i) for i in range(len(requests))]
        return [
            tuple(what.row(result, i) for what, result in zip(self._outputs, results, strict=True))
            for i in range(len(requests))
        ]
