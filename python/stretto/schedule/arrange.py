"""From a Choice and a number of samples to a Plan: micro-batches, items, and what each waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stretto.program import Program
from stretto.schedule import orders
from stretto.schedule.plan import Choice, Item, MicroBatch, Plan, Stage

__all__ = ["arrange", "items_of", "stage_dependencies"]


def arrange(program: Program, choice: Choice, samples: int) -> Plan:
    """The Plan of a choice for a batch of ``samples``.

    Raises
    ------
    ValueError
        If the schedule must cut the batch and the program mixes samples.
    """
    must_cut = choice.schedule in ("data", "pipeline") or choice.micro_batch is not None
    reason = program.why_not_cut() if must_cut else None
    if reason:
        raise ValueError(f"plan: {choice} cuts the batch, which it may not: {reason}; use serial, intra or task")
    whole = (Stage("all", tuple(range(len(program.steps)))),)
    stages = choice.stages or whole
    if choice.schedule == "task":
        workers: Sequence[Iterable[orders.Pair]] = [[(s, 0) for s in ids] for ids in choice.placement]
        batches: tuple[MicroBatch, ...] = (MicroBatch(0, samples, 0),)
    elif choice.schedule == "data":
        if choice.micro_batch is None:
            pieces = orders.shares(samples, choice.workers)
        else:
            pieces = pieces_of(samples, choice.micro_batch)
        workers = list(orders.in_shares(len(stages), len(pieces), choice.workers))
        owner = {batch: worker for worker, pairs in enumerate(workers) for _, batch in pairs}
        batches = tuple(MicroBatch(first, count, owner[i]) for i, (first, count) in enumerate(pieces))
    elif choice.schedule == "pipeline":
        size = choice.micro_batch or max(1, -(-samples // (4 * len(stages))))
        pieces = pieces_of(samples, size)
        workers = list(orders.stream(len(stages), len(pieces)))
        slots = min(len(pieces), len(stages) + 1)
        batches = tuple(MicroBatch(first, count, i % slots) for i, (first, count) in enumerate(pieces))
    else:
        pieces = pieces_of(samples, choice.micro_batch or max(samples, 1))
        workers = list(orders.depth_first(len(stages), len(pieces)))
        batches = tuple(MicroBatch(first, count, 0) for first, count in pieces)
    items, lists = items_of(program, stages, batches, workers)
    slots = 1 + max(batch.slot for batch in batches)
    return Plan(choice.schedule, samples, stages, batches, items, lists, slots, choice.threads)


def pieces_of(samples: int, size: int) -> list[tuple[int, int]]:
    """(first, count) of micro-batches of ``size`` samples, the last one ragged."""
    if size < 1:
        raise ValueError(f"plan: micro_batch is out of range: {size}; it must be at least 1")
    return [(first, min(size, samples - first)) for first in range(0, samples, size)] or [(0, 0)]


def stage_dependencies(program: Program, stages: Sequence[Stage]) -> list[set[int]]:
    """For each stage, the stages whose values it reads."""
    stage_of = {step: s for s, stage in enumerate(stages) for step in stage.steps}
    producers = program.producers()
    return [
        {
            stage_of[producers[value]]
            for step in stage.steps
            for value in program.steps[step].inputs
            if value is not None and value in producers
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
