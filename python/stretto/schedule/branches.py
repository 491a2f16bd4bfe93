"""Task parallelism: the independent branches of a Program, placed on workers by critical path."""

from __future__ import annotations

from collections.abc import Sequence

from stretto.program import Program
from stretto.schedule.items import stage_dependencies
from stretto.schedule.plan import Stage

__all__ = ["any_independent", "chains", "place"]


def chains(program: Program) -> tuple[Stage, ...]:
    """The longest runs of steps in which each has the one before as its only source and reader."""
    producers = program.producers()
    readers = program.readers()
    follows: dict[int, int] = {}
    for index, step in enumerate(program.steps):
        sources = {producers[i] for i in step.inputs if i is not None and i in producers}
        if len(sources) != 1:
            continue
        source = sources.pop()
        if {r for i in program.steps[source].outputs for r in readers.get(i, [])} == {index}:
            follows[index] = source
    member: dict[int, list[int]] = {}
    runs: list[list[int]] = []
    for index in range(len(program.steps)):
        if index in follows:
            member[index] = member[follows[index]]
            member[index].append(index)
        else:
            member[index] = [index]
            runs.append(member[index])
    return tuple(Stage(program.steps[run[0]].op, tuple(run)) for run in runs)


def place(
    program: Program, stages: Sequence[Stage], times: Sequence[float], workers: int, hand_off: float
) -> tuple[tuple[int, ...], ...]:
    """Each worker's stages in order, by list scheduling; one worker alone when no hand-off is worth it.

    The ready stage with the longest way to the end goes first, to the worker that can start it earliest (HEFT:
    Topcuoglu, Hariri and Wu, 2002).
    """
    needs = stage_dependencies(program, stages)
    cost = [sum(times[step] for step in stage.steps) for stage in stages]
    rank = [0.0] * len(stages)
    order = _topological(needs)
    for s in reversed(order):
        rank[s] = cost[s] + max((rank[t] for t in range(len(stages)) if s in needs[t]), default=0.0)
    ready_at = [0.0] * workers
    finish: dict[int, tuple[float, int]] = {}
    lists: list[list[int]] = [[] for _ in range(workers)]
    waiting = set(order)
    while waiting:
        ready = [s for s in waiting if needs[s] <= finish.keys()]
        stage = max(ready, key=lambda s: (rank[s], -s))
        starts = []
        for w in range(workers):
            arrivals = [finish[n][0] + (hand_off if finish[n][1] != w else 0.0) for n in needs[stage]]
            starts.append((max([ready_at[w], *arrivals]), w))
        start, worker = min(starts)
        finish[stage] = (start + cost[stage], worker)
        ready_at[worker] = start + cost[stage]
        lists[worker].append(stage)
        waiting.discard(stage)
    return tuple(tuple(stages_) for stages_ in lists if stages_)


def any_independent(program: Program, stages: Sequence[Stage]) -> bool:
    """Whether two of the stages could run at the same time."""
    needs = stage_dependencies(program, stages)
    before: dict[int, int] = {}  # as bit sets
    for s in _topological(needs):
        before[s] = 0
        for n in needs[s]:
            before[s] |= before[n] | 1 << n
    ordered = sum(bits.bit_count() for bits in before.values())
    return ordered < len(stages) * (len(stages) - 1) // 2


def _topological(needs: Sequence[set[int]]) -> list[int]:
    order: list[int] = []
    done: set[int] = set()
    while len(order) < len(needs):
        for s in range(len(needs)):
            if s not in done and needs[s] <= done:
                order.append(s)
                done.add(s)
    return order
