"""Splitting a chain of steps into contiguous stages, exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = ["bottleneck", "cuts_of_sums"]


def bottleneck(steps: int, stages: int, cost: Callable[[int, int], float]) -> tuple[float, list[int]]:
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
    if not 1 <= stages <= steps:
        raise ValueError(f"partition: {steps} steps do not make {stages} stages; each stage needs a step")
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


def cuts_of_sums(times: Sequence[float], stages: int, hand_off: float = 0.0) -> tuple[float, list[int]]:
    """:func:`bottleneck` for stages that cost the sum of their steps, and a hand-off but for the first."""
    sums = [0.0]
    for time in times:
        sums.append(sums[-1] + time)
    return bottleneck(len(times), stages, lambda i, j: sums[j] - sums[i] + (hand_off if i else 0.0))
