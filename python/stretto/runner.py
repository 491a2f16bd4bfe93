"""Runners: plans opened on this machine, with their threads, packed weights and memory."""

from __future__ import annotations

import os
import weakref
from collections.abc import AsyncIterable, Iterable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any

from stretto.channels import Channels
from stretto.gpu_channels import GpuChannels
from stretto.opening import Shop
from stretto.player import Player
from stretto.program import Program
from stretto.progress import Progress
from stretto.python_stages import Function, functions_of
from stretto.schedule.plan import Choice, Plan
from stretto.stream import Stream
from stretto.submission import Desk

if TYPE_CHECKING:
    from stretto.serve import Server

__all__ = ["Runner"]


class Runner(Player):
    """A program opened with one choice of schedule. Call it with arrays; any batch size will do.

    Threads are made once and sleep between calls; weights are packed once and again when a parameter changes. Calls
    from several Python threads take turns; streams have workers of their own.

    Attributes
    ----------
    choice : Choice
        The schedule of calls. One made of a Plan runs batches of its size only.
    stream_choice : Choice or None
        That of streams, where it is another one.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> with st.plan(st.ReLU(), np.ones((2, 3), "f4"), schedule="serial") as runner:
    ...     runner(-np.ones((4, 3), "f4")).shape
    (4, 3)
    """

    def __init__(
        self, program: Program, choice: Choice | Plan, stream_choice: Choice | None = None, *, _shop: Shop | None = None
    ) -> None:
        choice = Choice.of(choice) if isinstance(choice, Plan) else choice
        super().__init__(program, choice, _shop or Shop(program, choice.workers))
        self.stream_choice = stream_choice
        self._channels = Channels(self._shop, stream_choice or choice, self._samples)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._desk: Desk | None = None
        self._end_desk: weakref.finalize[..., Runner] | None = None
        self._watchdog: float | None = None
        self.watchdog = _seconds_of_environment()
        _live.add(self)

    def live_on(self, gpus: Sequence[int]) -> None:
        """From now on streams and submitted calls go to these GPUs in turn; calls run where their arrays are."""
        calls = [self._calls_on(gpu) for gpu in gpus]
        self._home = calls[0]
        self._channels = GpuChannels(self._shop, self.choice, self._samples, calls)

    def serve(self, *, max_batch: int = 32, max_wait: float = 0.002, max_queue: int = 1024) -> Server:
        """A :class:`stretto.serve.Server`: single samples from many threads, run in batches.

        Examples
        --------
        >>> import numpy as np
        >>> import stretto as st
        >>> with st.plan(st.ReLU(), np.ones((8, 3), "f4")) as plan, plan.serve(max_batch=8) as server:
        ...     server(np.float32([-1, 0, 1])).tolist()
        [0.0, 0.0, 1.0]
        """
        from stretto.serve import Server

        return Server(self, max_batch=max_batch, max_wait=max_wait, max_queue=max_queue)

    def stream(
        self,
        batches: Iterable[Any] | AsyncIterable[Any],
        *,
        in_flight: int | None = None,
        memory_limit: int | None = None,
        progress: bool | Progress = False,
        copy: bool = True,
        timeline: bool = False,
        before: Function | Sequence[Function] | None = None,
        after: Function | Sequence[Function] | None = None,
        python_workers: int = 1,
    ) -> Stream:
        """Run on every batch of an iterable, in order, several of them at once.

        Batches are NumPy arrays, and so are the results. A plan that was made for a GPU copies them there and back
        while others are computed.

        Parameters
        ----------
        batches : iterable or asynchronous iterable
            Of arrays, or of tuples of arrays where the network takes several; their sizes may differ.
        in_flight : int, optional
            At most so many batches are taken from the source and not yet returned; by default twice the workers, and
            three on a GPU: one that arrives there, one that is computed, one that leaves.
        memory_limit : int, optional
            Bytes of arenas, inputs and results that the batches in flight may hold.
        progress : bool or callable
            True for a bar on stderr where that is a terminal; a function gets a
            :class:`stretto.ProgressEvent` for each result.
        copy : bool
            Whether an input is copied when it is taken, so that its array may be written to at once.
        timeline : bool
            Whether to record what :meth:`stretto.Stream.timeline` shows.
        before, after : callable or sequence of callable, optional
            Python functions of one item, run on threads of their own: what ``before`` makes of an item of the source
            is a batch, and what ``after`` makes of its result is returned.
        python_workers : int
            Threads for each of the two.

        Returns
        -------
        Stream
            An iterator, an asynchronous iterator and a context manager.

        Raises
        ------
        ValueError
            If a number is out of range, or a batch alone is over ``memory_limit``.
        NotImplementedError
            If a timeline of a GPU is asked for.
        concurrent.futures.CancelledError
            From the iteration, after :meth:`cancel`.

        Examples
        --------
        >>> import numpy as np
        >>> import stretto as st
        >>> x = np.ones((2, 3), "f4")
        >>> with st.plan(st.ReLU(), x, schedule="data", workers=2) as plan:
        ...     [y.shape for y in plan.stream(x[:n] for n in (1, 2))]
        [(1, 3), (2, 3)]
        """
        for name, value in (
            ("in_flight", in_flight),
            ("memory_limit", memory_limit),
            ("python_workers", python_workers),
        ):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"stream: {name} is out of range: {value!r}; it must be a positive integer")
        if timeline and not self._channels.is_timed:
            raise NotImplementedError("stream: timeline is True, but steps on a GPU are not timed yet; leave it out")
        functions = functions_of("before", before), functions_of("after", after)
        stream = Stream(
            batches,
            self._channels.open(in_flight, caller_works=not any(functions)),
            memory_limit=memory_limit,
            progress=progress,
            copy=copy,
            timeline=timeline,
            before=functions[0],
            after=functions[1],
            python_workers=python_workers,
        )
        self._streams.add(stream)
        return stream

    def submit(self, *arrays: Any) -> Future[Any]:
        """Run once, on threads of their own; the result comes as a future.

        Waits while twice as many calls as workers are under way. A future that is cancelled before its batch has
        begun is not run.

        Examples
        --------
        >>> import numpy as np
        >>> import stretto as st
        >>> x = np.ones((2, 3), "f4")
        >>> with st.plan(st.ReLU(), x, schedule="serial") as plan:
        ...     future = plan.submit(-x)
        ...     float(future.result().sum())
        0.0
        """
        with self._lock:
            if self._desk is None:
                self._desk = Desk(self._channels.open(None, caller_works=False, is_independent=True))
                self._end_desk = weakref.finalize(self, self._desk.close)
            desk = self._desk
        return desk.submit(arrays)

    def cancel(self) -> None:
        """End the call that is running and all streams, from any thread: they raise ``CancelledError``.

        Futures that were submitted are cancelled one by one, by their own ``cancel()``.
        """
        if self._is_closed:
            return
        self._shop.workshop.cancel()
        for stream in list(self._streams):
            stream.cancel()

    @property
    def watchdog(self) -> float | None:
        """Seconds without progress after which waiting workers say on stderr what each is doing; None for never.

        From the environment variable ``STRETTO_WATCHDOG`` at first.
        """
        return self._watchdog

    @watchdog.setter
    def watchdog(self, seconds: float | None) -> None:
        if seconds is not None and not 0 < seconds < 1e9:
            raise ValueError(f"plan: watchdog is out of range: {seconds!r}; it must be positive seconds, or None")
        self._watchdog = seconds
        self._shop.workshop.watch(seconds or 0.0)
        self._channels.watchdog = seconds or 0.0

    def close(self) -> None:
        """End the threads and free the memory; a closed runner cannot be called, and its streams end."""
        self._is_closed = True  # first: no call opens anything while the streams end
        for stream in list(self._streams):
            stream.cancel("the plan was closed")
            stream.close()
        if self._end_desk is not None:
            self._end_desk()
        super().close()
        self._channels.close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _renew_after_fork(self) -> None:
        super()._renew_after_fork()
        self._channels.renew_after_fork()
        if self._end_desk is not None:
            self._end_desk.detach()
            self._desk = self._end_desk = None


def _seconds_of_environment() -> float | None:
    text = os.environ.get("STRETTO_WATCHDOG", "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"STRETTO_WATCHDOG: not a number of seconds: {text!r}") from None


_live: weakref.WeakSet[Runner] = weakref.WeakSet()


def _renew_after_fork() -> None:
    for runner in list(_live):
        runner._renew_after_fork()


os.register_at_fork(after_in_child=_renew_after_fork)
