"""From a Choice and a number of samples to a Plan: micro-batches, and the order of work of each worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stretto.program import Program
from stretto.schedule import orders
from stretto.schedule.items import items_of
from stretto.schedule.plan import Choice, MicroBatch, Plan, Stage

__all__ = ["CUTTING", "arrange"]

CUTTING = frozenset({"depth_first", "data", "streams", "pipeline", "replicated", "hybrid"})  # the batch


@dataclass(frozen=True, slots=True)
class Arranged:
    """Micro-batches and each worker's order of work on them."""

    batches: tuple[MicroBatch, ...]
    orders: Sequence[Iterable[orders.Work]]


def arrange(program: Program, choice: Choice, samples: int, turn: int = 0) -> Plan:
    """The Plan of a choice for a batch of ``samples``.

    Parameters
    ----------
    program : Program
    choice : Choice
    samples : int
    turn : int
        Micro-batches that went before in a stream: replicas of a stage take theirs in turn.

    Raises
    ------
    ValueError
        If the schedule must cut the batch and the program mixes samples, or the choice is a plan for another batch.
    """
    if choice.plan is not None:
        if samples != choice.plan.samples:
            raise ValueError(
                f"plan: the plan is for {choice.plan.samples} samples; the batch has {samples}; "
                "a Choice of schedule runs any batch"
            )
        return choice.plan
    must_cut = choice.schedule in CUTTING or choice.micro_batch is not None
    reason = program.why_not_cut() if must_cut else None
    if reason:
        raise ValueError(f"plan: {choice} cuts the batch, which it may not: {reason}; use serial, intra or task")
    stages = choice.stages or (Stage("all", tuple(range(len(program.steps)))),)
    arranged = ARRANGERS[choice.schedule](choice, len(stages), samples, turn)
    items, lists = items_of(program, stages, arranged.batches, arranged.orders)
    slots = 1 + max(batch.slot for batch in arranged.batches)
    return Plan(choice.schedule, samples, stages, arranged.batches, items, lists, slots, choice.threads, choice.devices)


def on_one_worker(choice: Choice, stages: int, samples: int, turn: int) -> Arranged:
    """Micro-batches one after the other, all in one slot."""
    pieces = pieces_of(samples, choice.micro_batch or max(samples, 1))
    batches = tuple(MicroBatch(first, count, 0) for first, count in pieces)
    return Arranged(batches, list(orders.depth_first(stages, len(pieces))))


def in_shares(choice: Choice, stages: int, samples: int, turn: int) -> Arranged:
    """A share for each worker, which has a slot of its own and takes its share in micro-batches."""
    pieces = [
        [(begin + first, size) for first, size in pieces_of(count, choice.micro_batch or max(count, 1))]
        for begin, count in orders.shares(samples, choice.workers)
    ]
    batches = tuple(MicroBatch(first, size, worker) for worker, own in enumerate(pieces) for first, size in own)
    return Arranged(batches, list(orders.in_shares(stages, [len(own) for own in pieces])))


def in_line(choice: Choice, stages: int, samples: int, turn: int) -> Arranged:
    """A pipeline: as many micro-batches in flight as there are workers, and one to hand over."""
    size = choice.micro_batch or max(1, -(-samples // (4 * stages)))
    pieces = pieces_of(samples, size)
    replicas = choice.replicas or (1,) * stages
    slots = min(len(pieces), sum(replicas) + 1)
    batches = tuple(MicroBatch(first, count, i % slots) for i, (first, count) in enumerate(pieces))
    return Arranged(batches, list(orders.replicated(replicas, len(pieces), turn)))


def as_placed(choice: Choice, stages: int, samples: int, turn: int) -> Arranged:
    """The batch whole; each worker's stages as the choice has placed them."""
    placement = choice.placement or (tuple(range(stages)),)
    return Arranged((MicroBatch(0, samples, 0),), [[orders.Work("F", s, 0) for s in ids] for ids in placement])


ARRANGERS: dict[str, Callable[[Choice, int, int, int], Arranged]] = {
    "serial": on_one_worker,
    "depth_first": on_one_worker,
    "intra": on_one_worker,
    "data": in_shares,
    "streams": in_shares,
    "task": as_placed,
    "tensor": as_placed,
    "pipeline": in_line,
    "replicated": in_line,
    "hybrid": in_line,
}


def pieces_of(samples: int, size: int) -> list[tuple[int, int]]:
    """(first, count) of micro-batches of ``size`` samples, the last one ragged."""
    if size < 1:
        raise ValueError(f"plan: micro_batch is out of range: {size}; it must be at least 1")
    return [(first, min(size, samples - first)) for first in range(0, samples, size)] or [(0, 0)]
