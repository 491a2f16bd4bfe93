"""Timing candidates: calls and short streams of the shortlist, taking turns."""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stretto.inputs import bind_inputs
from stretto.opening import Shop
from stretto.program import Array
from stretto.runner import Runner
from stretto.schedule.candidate import Candidate
from stretto.schedule.choose import call_seconds, shortlist, stream_seconds

__all__ = ["taking_turns", "time_calls", "time_streams"]

ROUNDS, LEAST_ROUNDS = 101, 3
TURN_SECONDS = 300e-6
DROPPED = 0.3  # who is so much slower than the best after the least rounds is timed no more
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
    """Seconds of each call, round by round; who is behind the best, by what the rounds so far can tell, leaves.

    A turn is a short loop of calls, as users make: of short calls the first is not timed, for it finds the caches and
    the workers as the turn before left them.
    """
    timings: dict[int, list[float]] = {i: [] for i in calls}
    begin = time.perf_counter()
    counts = {}
    for i, call in calls.items():
        call()
        counts[i] = max(1, round(TURN_SECONDS / _mean_seconds(call, 1)))
    running = list(calls)
    for number in range(1, ROUNDS + 1):
        # To and fro, for a turn feels what ran before it.
        for i in running[:: 1 if number % 2 else -1]:
            if counts[i] > 1:
                calls[i]()
            timings[i].append(_mean_seconds(calls[i], counts[i]))
        progress()
        if number >= LEAST_ROUNDS:
            behind = 1 + DROPPED * math.sqrt(LEAST_ROUNDS / number)
            quartiles = {i: sorted(timings[i])[number // 4] for i in running}
            best = min(quartiles.values())
            running = [i for i in running if quartiles[i] <= behind * best]
            if time.perf_counter() - begin > seconds or len(running) == 1:
                break
    return timings


def _mean_seconds(call: Callable[[], Any], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls
