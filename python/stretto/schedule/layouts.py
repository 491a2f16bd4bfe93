"""Which steps of a network keep the channels of their maps last: a cut through its graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from stretto.program import Program, Step

__all__ = ["steps_channels_last"]

FIRST, LAST = -1, -2  # the ends of the graph; its other nodes are steps
CROSSING = 8.0  # times its copy: what a kernel takes to read a map in one layout while it writes the other


def steps_channels_last(
    program: Program, first: Sequence[float], last: Mapping[int, float], copy: Callable[[int], float]
) -> frozenset[int]:
    """The steps whose channels are last where all steps, and all changes of layout between them, take the least time.

    A minimum cut (Ford and Fulkerson, 1956; Greig, Porteous and Seheult, 1989, for labels of two kinds): a step on one
    side takes its time in the one layout, on the other side in the other, and a map that is read across the cut is
    copied for each reader. A convolution of all channels reads the first layout, and writes the last one, as fast as it
    writes the first: its sums are formed channel by channel.

    Parameters
    ----------
    program : Program
    first : sequence of float
        Seconds of each step as it is.
    last : mapping of int to float
        Seconds, with their channels last, of the steps that can have them there.
    copy : callable
        ``copy(value)``: seconds to bring it from one layout into the other.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net = st.Sequential(st.Conv2d(3, 8, 1), st.Conv2d(8, 8, 3, groups=8), st.GlobalAvgPool(keepdims=False))
    >>> program = st.trace(net, np.ones((2, 3, 8, 8), "f4"))
    >>> sorted(steps_channels_last(program, [1.0, 4.0, 1.0], {0: 2.0, 1: 1.0, 2: 1.0}, copy=lambda value: 9.0))
    [0, 1, 2]
    >>> sorted(steps_channels_last(program, [1.0, 4.0, 1.0], {0: 9.0, 1: 1.0, 2: 1.0}, copy=lambda value: 9.0))
    []
    """
    capacities: dict[int, dict[int, float]] = {FIRST: {}, LAST: {}, **{step: {} for step in last}}

    def add(a: int, b: int, seconds: float) -> None:
        capacities[a][b] = capacities[a].get(b, 0.0) + seconds
        capacities[b].setdefault(a, 0.0)

    writers = program.producers()
    for index, step in enumerate(program.steps):
        reader = index if index in last else FIRST
        if index in last:
            add(FIRST, index, last[index])
            add(index, LAST, first[index])
        for place, value in enumerate(step.inputs):
            if value is None or not _is_map(program, value):
                continue
            writer = writers[value] if writers.get(value) in last else FIRST
            across = copy(value) * (CROSSING if index in last else 1.0)
            if reader != FIRST:
                is_free = place == 0 and _is_dense(program, step)
                add(writer, reader, max(0.0, first[index] - last[index]) if is_free else across)
            if writer != FIRST:
                add(reader, writer, across)
    for value in program.outputs:
        if writers.get(value) in last and _is_map(program, value):
            add(FIRST, writers[value], copy(value))
    return frozenset(last) - _side_of_first(capacities)


def _is_map(program: Program, value: int) -> bool:
    v = program.values[value]
    return v.origin not in ("parameter", "constant") and len(v.shape) > 2


def _is_dense(program: Program, step: Step) -> bool:
    return step.op in ("conv1d", "conv2d", "conv3d") and dict(step.attributes)["groups"] == 1


def _side_of_first(capacities: dict[int, dict[int, float]]) -> set[int]:
    """The nodes on the side of FIRST of the least cut: a greatest flow, by shortest paths (Edmonds and Karp, 1972)."""
    while True:
        came_from = {FIRST: FIRST}
        queue = deque([FIRST])
        while queue and LAST not in came_from:
            node = queue.popleft()
            for other, capacity in capacities[node].items():
                if capacity > 0 and other not in came_from:
                    came_from[other] = node
                    queue.append(other)
        if LAST not in came_from:
            return set(came_from)
        path = [LAST]
        while path[-1] != FIRST:
            path.append(came_from[path[-1]])
        edges = [(b, a) for a, b in pairwise(path)]
        flow = min(capacities[a][b] for a, b in edges)
        for a, b in edges:
            capacities[a][b] -= flow
            capacities[b][a] += flow
