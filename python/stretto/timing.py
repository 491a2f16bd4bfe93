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
from stretto.schedule.choose import LEAST_TIMED, best_call, call_seconds, shortlist, stream_seconds
from stretto.schedule.plan import Choice

__all__ = ["taking_turns", "time_calls", "time_streams"]

ROUNDS, LEAST_ROUNDS = 101, 3
PATIENCE = 2  # times the seconds that the least rounds may take
OVERRUN = 5  # times the seconds that one round of the best few may take: what takes longer is left to prediction
TURN_SECONDS = 300e-6
LONG = 10 * TURN_SECONDS
DROPPED = 0.3  # who is so much slower than the best after the least rounds is timed no more
MOST_STREAMS = 6
LEAST_CYCLES, MOST_CYCLES = 1, 128  # of a stream: in each all workers make a batch


def time_calls(
    shop: Shop,
    considered: Sequence[Candidate],
    inputs: Sequence[Array],
    seconds: float,
    progress: Callable[[], None],
    rank: Callable[[Candidate], float] = call_seconds,
) -> list[Candidate]:
    """Time calls of the shortlist, taking turns; who falls far behind leaves it."""
    chosen = _affordable(shortlist(considered, rank), lambda i: call_seconds(considered[i]), seconds)
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
    chosen = _streams_to_time(considered, seconds)
    if len(chosen) < 2 or seconds <= 0:
        return list(considered)
    cycle = max(considered[i].choice.workers * stream_seconds(considered[i]) for i in chosen)
    cycles = max(LEAST_CYCLES, int(min(MOST_CYCLES, seconds / (len(chosen) * 5 * cycle))))
    batch = tuple(inputs)

    def turn(choice: Choice, runner: Runner) -> float:
        """Seconds a batch, from the first result on: filling the stages is no part of a period."""
        results = runner.stream(itertools.repeat(batch, 1 + cycles * choice.workers), copy=False)
        next(results)
        begin = time.perf_counter()
        for _ in results:
            pass
        return (time.perf_counter() - begin) / (cycles * choice.workers)

    turns = {
        i: functools.partial(turn, considered[i].choice, Runner(shop.program, considered[i].choice, _shop=shop))
        for i in chosen
    }
    periods = _in_turns(turns, seconds, progress)
    return [replace(c, periods=tuple(periods[i])) if i in periods else c for i, c in enumerate(considered)]


def _streams_to_time(considered: Sequence[Candidate], seconds: float) -> list[int]:
    """What runs calls, which streams take but for something faster; the best of each kind; others near them."""
    near = shortlist(considered, stream_seconds)
    if len(near) < 2:
        return near
    call = best_call(considered, "throughput")
    best = {considered[i].choice.schedule: i for i in reversed(near)}.values()
    chosen = sorted({call, *near}, key=lambda i: (i != call, i not in best, stream_seconds(considered[i])))

    def turn_seconds(i: int) -> float:
        return (1 + LEAST_CYCLES) * considered[i].choice.workers * stream_seconds(considered[i])

    return _affordable(chosen[:MOST_STREAMS], turn_seconds, seconds)


def _affordable(chosen: Sequence[int], turn_seconds: Callable[[int], float], seconds: float) -> list[int]:
    """The first of them, as many as there is time for, but three at least; or none, where these take far too long."""
    kept: list[int] = []
    spent = 0.0
    for i in chosen:
        spent += turn_seconds(i)
        if spent > seconds * (PATIENCE if len(kept) >= LEAST_TIMED else OVERRUN):
            break
        kept.append(i)
    return kept if len(kept) >= min(LEAST_TIMED, len(chosen)) else []


def taking_turns(
    calls: Mapping[int, Callable[[], Any]], seconds: float, progress: Callable[[], None]
) -> dict[int, list[float]]:
    """Seconds of each call, round by round; who is behind the best, by what the rounds so far can tell, leaves."""
    begin = time.perf_counter()
    loops = {i: _loop(call) for i, call in calls.items()}
    elapsed = time.perf_counter() - begin
    if elapsed > PATIENCE * seconds:
        return {i: [once] for i, (once, _) in loops.items()}
    return _in_turns({i: turn for i, (_, turn) in loops.items()}, seconds - elapsed, progress)


def _loop(call: Callable[[], Any]) -> tuple[float, Callable[[], float]]:
    """The seconds of a call, and a turn of calls, as users make them, that says the seconds of one.

    Of short calls the first is not timed, for it finds the caches and the workers as the turn before left them.
    """
    once = _mean_seconds(call, 1)
    if once < LONG:  # else what the first call has to open does not tell
        once = _mean_seconds(call, 1)
    count = max(1, round(TURN_SECONDS / once))

    def turn() -> float:
        if count > 1:
            call()
        return _mean_seconds(call, count)

    return once, turn


def _in_turns(
    turns: Mapping[int, Callable[[], float]], seconds: float, progress: Callable[[], None]
) -> dict[int, list[float]]:
    """What each turn says, round by round: one round at least, a few if there is time for most, then all there is."""
    timings: dict[int, list[float]] = {i: [] for i in turns}
    begin = time.perf_counter()
    running = list(turns)
    for number in range(1, ROUNDS + 1):
        # To and fro, for a turn feels what ran before it.
        for i in running[:: 1 if number % 2 else -1]:
            timings[i].append(turns[i]())
        progress()
        if number >= LEAST_ROUNDS:
            behind = 1 + DROPPED * math.sqrt(LEAST_ROUNDS / number)
            quartiles = {i: sorted(timings[i])[number // 4] for i in running}
            best = min(quartiles.values())
            running = [i for i in running if quartiles[i] <= behind * best]
        elapsed = time.perf_counter() - begin
        if elapsed > (seconds if number >= LEAST_ROUNDS else PATIENCE * seconds) or len(running) == 1:
            break
    return timings


def _mean_seconds(call: Callable[[], Any], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls
