"""Times that may be compared: calls take turns, medians, and how sure a ratio of medians is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ROUNDS = 21
TURN_SECONDS = 300e-6  # a turn is so many calls that a disturbance of a microsecond does not matter
DRAWS = 2000  # of the bootstrap

Call = Callable[[], object]


def seconds_of(call: Call, calls: int = 1) -> float:
    """Mean seconds of a few calls."""
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - begin) / calls


def take_turns(calls: Sequence[Call], rounds: int = ROUNDS, turn: float = TURN_SECONDS) -> list[list[float]]:
    """Seconds of each call in each round.

    A turn begins with a call that is not timed: the turns of the others have emptied the caches.
    """
    counts = []
    for call in calls:
        call()
        counts.append(max(1, round(turn / max(seconds_of(call), 1e-9))))
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for own, call, count in zip(samples, calls, counts, strict=True):
            call()
            own.append(seconds_of(call, count))
    return samples


def median(samples: Sequence[float]) -> float:
    """The median."""
    return float(np.median(samples))


def ratio_interval(numerator: Sequence[float], denominator: Sequence[float]) -> tuple[float, float, float]:
    """The ratio of two medians and its 95 % interval: a bootstrap over rounds, in which both took their turn.

    Efron, Bootstrap methods: another look at the jackknife, 1979 (percentile interval).

    Examples
    --------
    >>> ratio_interval([2.0, 2.0, 2.0], [1.0, 1.0, 1.0])
    (2.0, 2.0, 2.0)
    """
    a, b = np.asarray(numerator), np.asarray(denominator)
    rounds = np.random.default_rng(0).integers(len(a), size=(DRAWS, len(a)))
    ratios: Any = np.median(a[rounds], axis=1) / np.median(b[rounds], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return median(numerator) / median(denominator), float(low), float(high)
