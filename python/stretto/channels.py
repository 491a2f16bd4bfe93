"""Channels: what a runner lends to its streams, so that each has workers of its own."""

from __future__ import annotations

import functools
import itertools
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stretto import _core
from stretto.gpu_flow import Flow
from stretto.inputs import bind_host_inputs
from stretto.opening import Openings, Shop
from stretto.program import Program
from stretto.schedule.arrange import arrange
from stretto.schedule.memory import size_in_bytes
from stretto.schedule.plan import Choice

__all__ = ["Channel", "Channels", "stream_form"]

KEPT = 4  # flows without a stream, with their threads and memory


@dataclass(slots=True)
class Channel:
    """One stream's flow, and how batches get into it."""

    plan: str  # for messages
    flow: Flow
    workers: int
    in_flight: int
    bind: Callable[[Any], tuple[Any, tuple[Any, ...], int]]  # a batch -> what the flow takes, arrays, samples
    bytes_of: Callable[[int], int]  # of a batch of so many samples: arenas, inputs and results
    steps: Sequence[str]
    give_back: Callable[[Flow], None]


def stream_form(program: Program, choice: Choice) -> tuple[Choice, int, bool]:
    """How a choice runs a stream: each batch's own choice, the workers, and whether all of them share a batch.

    Data parallelism deals whole batches to the workers. What keeps several workers busy with one batch goes on doing
    so, and the next batch follows close behind.
    """
    if choice.schedule in ("data", "streams") and choice.plan is None:
        return replace(choice, schedule="serial", workers=1), choice.workers, False
    workers = len((choice.plan or arrange(program, choice, program.example_samples)).workers)
    return choice, max(1, workers), workers > 1


class Channels:
    """Opens channels for one choice; the flows that come back are used again."""

    is_timed = True  # whether a timeline can be had

    def __init__(self, shop: Shop, choice: Choice, take_samples: Callable[[tuple[Any, ...]], int]) -> None:
        self._program = shop.program
        self._take_samples = take_samples
        self._choice, self._workers, self._in_order = stream_form(shop.program, choice)
        turns = math.lcm(*self._choice.replicas)  # replicas of a stage take the batches of a stream in turn
        self._scores: list[Openings[Any]] = [
            Openings(shop, self._choice, lambda score: score, turn) for turn in range(turns)
        ]
        self._idle: dict[tuple[int, bool, bool], list[Flow]] = {}
        self._steps = [step.op for step in shop.program.steps]
        self._lock = threading.Lock()
        self._is_closed = False
        self.watchdog = 0.0  # seconds; 0: off

    def open(self, in_flight: int | None, *, caller_works: bool, is_independent: bool = False) -> Channel:
        """A channel for at most ``in_flight`` batches."""
        in_flight = in_flight or self._usual_in_flight(caller_works)
        with self._lock:
            if self._is_closed:
                raise ValueError("plan: the plan is closed; make a new one with st.plan")
            idle = self._idle.setdefault((in_flight, caller_works, is_independent), [])
            flow = idle.pop() if idle else None
        if flow is None:
            flow = self._flow(in_flight, caller_works, is_independent)
        flow.watch(self.watchdog)

        def give_back(flow: Flow) -> None:
            with self._lock:
                if not self._is_closed and sum(map(len, self._idle.values())) < KEPT:
                    idle.append(flow)

        turns = itertools.cycle(self._scores)
        bytes_of = functools.cache(self._bytes_of)

        def bind(batch: Any) -> tuple[Any, tuple[Any, ...], int]:
            return self._bind(batch, next(turns))

        return Channel(str(self._choice), flow, self._workers, in_flight, bind, bytes_of, self._steps, give_back)

    def _usual_in_flight(self, caller_works: bool) -> int:
        return 1 if self._workers == 1 and caller_works else 2 * self._workers

    def _flow(self, in_flight: int, caller_works: bool, is_independent: bool) -> Flow:
        return _core.Flow(
            workers=self._workers,
            in_flight=in_flight,
            in_order=self._in_order,
            caller_works=caller_works,
            is_independent=is_independent,
        )

    def _bind(self, batch: Any, scores: Openings[Any]) -> tuple[Any, tuple[Any, ...], int]:
        arrays = batch if type(batch) is tuple else (batch,)
        samples = self._take_samples(arrays)
        if samples < 0:
            inputs, samples = bind_host_inputs("stream", self._program, arrays)
            arrays = tuple(inputs)
        return scores.get(samples), arrays, samples

    def _bytes_of(self, samples: int) -> int:
        types = self._program.types(samples)
        arrays = sum(size_in_bytes(types[i]) for i in (*self._program.inputs, *self._program.outputs))
        return arrays + int(self._scores[0].get(samples).arena_bytes)

    def close(self) -> None:
        """Free what no stream uses; channels that are open end with their streams."""
        with self._lock:
            self._is_closed = True
            self._idle.clear()
        for scores in self._scores:
            scores.close()

    def renew_after_fork(self) -> None:
        """In a forked child: the flows' workers stayed behind."""
        self._lock = threading.Lock()
        self._idle.clear()
