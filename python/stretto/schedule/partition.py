"""Splitting a chain of steps into contiguous stages, exactly.

Costs need not be sums: a stage whose weights outgrow a cache costs more than its steps. One that cannot be, for want of
memory say, costs ``math.inf``; where no split can be, the time is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["bottleneck", "finite", "replicated"]

Cost: TypeAlias = Callable[[int, int], float]
Table: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


def bottleneck(steps: int, stages: int, cost: Cost) -> tuple[float, list[int]]:
    """The split into contiguous stages whose slowest stage is fastest.

    ``f[k][j] = min over i of max(f[k - 1][i], cost(i, j))``: an exact dynamic program, O(stages steps^2).

    Parameters
    ----------
    steps, stages : int
        ``1 <= stages <= steps``.
    cost : callable
        ``cost(i, j)`` is the time of a stage of the steps i to j - 1; it need not be additive.

    Returns
    -------
    (time of the slowest stage, the stages' ends)

    Examples
    --------
    >>> times = [3, 1, 1, 3]
    >>> bottleneck(4, 2, lambda i, j: sum(times[i:j]))
    (4, [2, 4])
    """
    _check_sizes(steps, stages)
    table = [[cost(i, j) if i < j else math.inf for j in range(steps + 1)] for i in range(steps + 1)]
    best = [table[0]]
    came_from: list[list[int]] = [[0] * (steps + 1)]
    for k in range(1, stages):
        row, origin = [math.inf] * (steps + 1), [0] * (steps + 1)
        for j in range(k + 1, steps + 1):
            for i in range(k, j):
                time = max(best[k - 1][i], table[i][j])
                if time < row[j]:
                    row[j], origin[j] = time, i
        best.append(row)
        came_from.append(origin)
    ends = [steps]
    for k in range(stages - 1, 0, -1):
        ends.append(came_from[k][ends[-1]])
    return best[stages - 1][steps], ends[::-1]


def finite(steps: int, stages: int, cost: Cost, micro_batches: int) -> tuple[float, list[int]]:
    """The split into contiguous stages that takes a finite stream of micro-batches through soonest.

    The time is the sum of all stages and (micro_batches - 1) times the slowest: the first micro-batch passes through
    all, and each further one is done a slowest stage later. For every bound on the slowest stage a dynamic program
    finds the least sum (Alpa: Zheng et al., 2022). That sum falls as the bound rises, so bounds between which it stays
    the same, or which cannot beat the best found, are passed over.

    Parameters
    ----------
    steps, stages : int
        ``1 <= stages <= steps``.
    cost : callable
        ``cost(i, j)`` is the time of a stage of the steps i to j - 1.
    micro_batches : int
        At least 1.

    Returns
    -------
    (time of the whole stream, the stages' ends)

    Examples
    --------
    A cut in the middle costs both stages 0.25 more: worth it for a long stream, in which the slowest stage counts.

    >>> times = [3, 1, 1, 3]
    >>> cost = lambda i, j: sum(times[i:j]) + (0.25 if 2 in (i, j) else 0)
    >>> finite(4, 2, cost, micro_batches=1)
    (8.0, [1, 4])
    >>> finite(4, 2, cost, micro_batches=10)
    (46.75, [2, 4])
    """
    _check_sizes(steps, stages)
    if micro_batches < 1:
        raise ValueError(f"partition: micro_batches is out of range: {micro_batches}; it must be at least 1")
    table = _table(steps, cost)
    bounds = np.unique(table[np.triu_indices(steps + 1, 1)])
    further = micro_batches - 1
    best, best_ends = math.inf, [*range(1, stages), steps]

    def least_sum(bound: float) -> float:
        nonlocal best, best_ends
        least, ends = _least_sum(table, stages, bound)
        if ends:
            slowest = max(table[i, j] for i, j in zip([0, *ends[:-1]], ends, strict=True))
            if least + further * slowest < best:
                best, best_ends = least + further * slowest, ends
        return least

    last = len(bounds) - 1
    ranges = [(0, last, least_sum(bounds[0]), least_sum(bounds[last]))]
    while ranges:
        low, high, most, least = ranges.pop()
        # In between, sums are no less than `least`, and worse than at `low` unless below `most`.
        if high - low < 2 or most == least or least + further * bounds[low + 1] >= best:
            continue
        middle = (low + high) // 2
        found = least_sum(bounds[middle])
        ranges += [(middle, high, found, least), (low, middle, most, found)]
    return float(best), best_ends


def replicated(steps: int, workers: int, cost: Cost, hand_off: float = 0.0) -> tuple[float, list[int], list[int]]:
    """The split into contiguous stages, each with some of the workers, whose slowest stage is fastest.

    A stage of r workers, which take micro-batches in turn, is r times as fast. ``f[j][w] = min over i and r of
    max(f[i][w - r], cost(i, j) / r)``: an exact dynamic program, O(steps^2 workers^2) (PipeDream: Narayanan et al.,
    2019, without its stale weights). Where stages cost the sum of their steps, nothing beats all workers on one stage,
    which is data parallelism.

    Parameters
    ----------
    steps, workers : int
        At least 1. At equal time the fewest workers are taken.
    cost : callable
        ``cost(i, j)`` is the time of a stage of the steps i to j - 1 on one worker.
    hand_off : float
        What all stages but the first pay for each micro-batch on top.

    Returns
    -------
    (time of the slowest stage for each micro-batch, the stages' ends, the stages' workers)

    Examples
    --------
    Where each step on top costs a stage 2 more, the slow step in the middle gets two workers of four.

    >>> times = [3, 5, 3]
    >>> replicated(3, 4, lambda i, j: sum(times[i:j]) + 2 * (j - i - 1))
    (3.0, [1, 2, 3], [1, 2, 1])
    """
    _check_sizes(steps, 1)
    if workers < 1:
        raise ValueError(f"partition: workers is out of range: {workers}; it must be at least 1")
    table = _table(steps, cost)
    table[1:] += hand_off
    fastest = np.full((workers + 1, steps + 1), math.inf)
    fastest[0, 0] = 0.0
    origin = np.zeros((workers + 1, steps + 1), int)
    own = np.zeros((workers + 1, steps + 1), int)
    for total in range(1, workers + 1):
        for count in range(1, total + 1):
            times = np.maximum(fastest[total - count][:, None], table / count)
            begin = times.argmin(axis=0)
            time = times[begin, np.arange(steps + 1)]
            better = time < fastest[total]
            fastest[total][better], origin[total][better], own[total][better] = time[better], begin[better], count
    total = int(fastest[:, steps].argmin())
    time, end = float(fastest[total, steps]), steps
    if math.isinf(time):
        return time, [steps], [1]
    ends, replicas = [], []
    while end:
        ends.append(end)
        replicas.append(int(own[total, end]))
        end, total = int(origin[total, end]), total - replicas[-1]
    return time, ends[::-1], replicas[::-1]


def _check_sizes(steps: int, stages: int) -> None:
    if not 1 <= stages <= steps:
        raise ValueError(f"partition: {steps} steps do not make {stages} stages; each stage needs a step")


def _table(steps: int, cost: Cost) -> Table:
    """``cost(i, j)`` at [i, j]; infinite where j is not behind i."""
    table = np.full((steps + 1, steps + 1), math.inf)
    for i in range(steps):
        for j in range(i + 1, steps + 1):
            table[i, j] = cost(i, j)
    return table


def _least_sum(table: Table, stages: int, bound: float) -> tuple[float, list[int]]:
    """The least sum of the stages' times, none above the bound, and their ends; infinite and none if that cannot be."""
    allowed = np.where(table <= bound, table, math.inf)
    least = allowed[0]
    origins = []
    for _ in range(1, stages):
        sums = least[:, None] + allowed
        origins.append(sums.argmin(axis=0))
        least = sums.min(axis=0)
    if math.isinf(least[-1]):
        return math.inf, []
    ends = [len(table) - 1]
    for origin in reversed(origins):
        ends.append(int(origin[ends[-1]]))
    return float(least[-1]), ends[::-1]
