"""Submissions: single calls that run behind the caller's back and come back as futures."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import CancelledError, Future
from typing import Any

from stretto.channels import Channel

__all__ = ["Desk"]


class Desk:
    """Takes calls, and gives their results to futures: a flow whose workers are all threads, and one more thread.

    At most ``in_flight`` calls are under way; who brings another one waits.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._flow = channel.flow
        self._room = threading.Semaphore(channel.in_flight)
        self._pushing = threading.Lock()
        self._arrived = threading.Semaphore(0)
        self._pending: deque[Future[Any]] = deque()
        self._is_closed = False
        self._thread = threading.Thread(target=self._collect, name="stretto-collect", daemon=True)
        self._thread.start()

    def submit(self, arrays: tuple[Any, ...]) -> Future[Any]:
        """Push a call, when there is room for it."""
        score, inputs, _ = self._channel.bind(arrays)
        is_collector = threading.current_thread() is self._thread
        if not self._room.acquire(blocking=not is_collector):
            raise RuntimeError(
                f"submit: it would wait for itself: {self._channel.in_flight} calls are under way, and a future's "
                "callback brings another; submit from another thread"
            )
        future: Future[Any] = Future()
        with self._pushing:
            number = self._flow.pushed
            try:
                if self._is_closed:
                    raise ValueError("plan: the plan is closed; make a new one with st.plan")
                self._pending.append(future)
                self._flow.push(score, inputs, True, False)
            finally:  # a Ctrl-C may come anywhere
                if self._flow.pushed > number:
                    self._arrived.release()
                else:
                    self._room.release()
                    if future in self._pending:
                        self._pending.remove(future)
        future.add_done_callback(lambda f: self._flow.skip(number) if f.cancelled() else None)
        return future

    def _collect(self) -> None:
        while True:
            self._arrived.acquire()
            if not self._pending:
                return  # closed
            error: BaseException | None = None
            result: Any = None
            try:
                result = self._flow.next()
            except BaseException as raised:
                error = raised
            future = self._pending.popleft()
            self._room.release()
            if not future.set_running_or_notify_cancel():
                continue
            if error is None:
                future.set_result(result)
            elif isinstance(error, CancelledError):
                future.set_exception(CancelledError(f"plan: the plan was closed: {self._channel.plan}"))
            else:
                future.set_exception(error)
            del future, result, error

    def close(self) -> None:
        """End all calls and both kinds of threads; futures without a result get a CancelledError."""
        with self._pushing:
            if self._is_closed:
                return
            self._is_closed = True
        self._flow.cancel()
        self._arrived.release()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._flow.stop()
