"""The items of a plan: what each waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stretto.program import Program
from stretto.schedule import orders
from stretto.schedule.plan import Item, MicroBatch, Stage

__all__ = ["items_of", "stage_dependencies"]


def stage_dependencies(program: Program, stages: Sequence[Stage]) -> list[set[int]]:
    """For each stage, the stages whose values it reads."""
    stages_of: dict[int, set[int]] = {}  # a step in parts has several
    for s, stage in enumerate(stages):
        for step in stage.steps:
            stages_of.setdefault(step, set()).add(s)
    producers = program.producers()
    return [
        {
            source
            for step in stage.steps
            for value in program.steps[step].inputs
            if value is not None and value in producers
            for source in stages_of[producers[value]]
        }
        - {s}
        for s, stage in enumerate(stages)
    ]


def items_of(
    program: Program,
    stages: Sequence[Stage],
    batches: Sequence[MicroBatch],
    workers: Sequence[Iterable[orders.Pair]],
) -> tuple[tuple[Item, ...], tuple[tuple[int, ...], ...]]:
    """The items of the workers' pairs, each after what it reads and after the last user of its slot."""
    number: dict[orders.Pair, int] = {}
    worker_of: list[int] = []
    lists: list[tuple[int, ...]] = []
    for worker, pairs in enumerate(workers):
        ids = []
        for pair in pairs:
            ids.append(len(number))
            number[pair] = len(number)
            worker_of.append(worker)
        lists.append(tuple(ids))
    needs = stage_dependencies(program, stages)
    needed = set().union(*needs) if needs else set()
    sources = [s for s in range(len(stages)) if not needs[s]]
    sinks = [s for s in range(len(stages)) if s not in needed]
    last_in_slot: dict[int, int] = {}
    previous: dict[int, int] = {}
    for index, batch in enumerate(batches):
        if batch.slot in last_in_slot:
            previous[index] = last_in_slot[batch.slot]
        last_in_slot[batch.slot] = index
    items = []
    for (stage, piece), item in number.items():
        after = [number[s, piece] for s in needs[stage]]
        if piece in previous and stage in sources:
            after += [number[s, previous[piece]] for s in sinks]
        after = [a for a in after if worker_of[a] != worker_of[item]]
        items.append(Item(stage, piece, tuple(sorted(after))))
    return tuple(items), tuple(lists)
