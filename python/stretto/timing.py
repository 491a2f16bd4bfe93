"""Timing candidates: calls and short streams of the shortlist, taking turns."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stretto.opening import Shop, bind_inputs
from stretto.program import Array
from stretto.runner import Runner
from stretto.schedule.candidate import Candidate
from stretto.schedule.choose import call_seconds, shortlist, stream_seconds

__all__ = ["taking_turns", "time_calls", "time_streams"]

ROUNDS = 101
DROPPED = 1.3  # who is so many times slower than the best after three rounds is timed no more
MOST_STREAMS = 6


def time_calls(
    shop: Shop,
    considered: Sequence[Candidate],
    inputs: Sequence[Array],
    seconds: float,
    progress: Callable[[], None],
    rank: Callable[[Candidate], float] = call_seconds,
) -> list[Candidate]:
    """Time calls of the shortlist, taking turns; who falls far behind leaves it."""
    chosen = shortlist(considered, rank)
    if len(chosen) < 2 or seconds <= 0:
        return list(considered)
    runners = {i: Runner(shop.program, considered[i].choice, _shop=shop) for i in chosen}
    calls = {i: functools.partial(runner, *inputs) for i, runner in runners.items()}
    timings = taking_turns(calls, seconds, progress)
    samples = bind_inputs(shop.program, inputs)[1]
    return [
        replace(c, seconds=tuple(timings[i]), bytes=runners[i].peak_bytes(samples)) if i in timings else c
        for i, c in enumerate(considered)
    ]


def time_streams(
    shop: Shop,
    considered: Sequence[Candidate],
    inputs: Sequence[Array],
    seconds: float,
    progress: Callable[[], None],
) -> list[Candidate]:
    """Time short streams of the shortlist, taking turns."""
    chosen = shortlist(considered, stream_seconds)[:MOST_STREAMS]
    if len(chosen) < 2 or seconds <= 0:
        return list(considered)
    period = max(1e-6, min(stream_seconds(considered[i]) for i in chosen))
    batches = max(8, min(256, int(seconds / (len(chosen) * 5 * period))))
    batch = tuple(inputs)
    runners = {i: Runner(shop.program, considered[i].choice, _shop=shop) for i in chosen}

    def drain(runner: Runner) -> None:
        for _ in runner.stream(itertools.repeat(batch, batches), copy=False):
            pass

    calls = {i: functools.partial(drain, runner) for i, runner in runners.items()}
    timings = taking_turns(calls, seconds, progress)
    return [
        replace(c, periods=tuple(t / batches for t in timings[i])) if i in timings else c
        for i, c in enumerate(considered)
    ]


def taking_turns(
    calls: Mapping[int, Callable[[], Any]], seconds: float, progress: Callable[[], None]
) -> dict[int, list[float]]:
    """Seconds of each call, round by round; those far behind the best after three rounds are called no more."""
    timings: dict[int, list[float]] = {i: [] for i in calls}
    begin = end = time.perf_counter()
    for call in calls.values():
        call()
    running = dict(calls)
    for number in range(ROUNDS):
        # To and fro, for a call feels what ran before it.
        for i, call in list(running.items())[:: -1 if number % 2 else 1]:
            start = time.perf_counter()
            call()
            end = time.perf_counter()
            timings[i].append(end - start)
        progress()
        if number >= 2:
            best = min(min(timings[i]) for i in running)
            running = {i: call for i, call in running.items() if min(timings[i]) <= DROPPED * best}
            if end - begin > seconds:
                break
    return timings
