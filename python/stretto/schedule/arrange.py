"""From a Choice and a number of samples to a Plan: micro-batches, and the order of work of each worker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stretto.program import Program
from stretto.schedule import orders
from stretto.schedule.items import items_of
from stretto.schedule.plan import Choice, MicroBatch, Plan, Stage

__all__ = ["arrange"]


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
