"""The items of a plan: what each waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from stretto.program import Program
from stretto.schedule.orders import Work
from stretto.schedule.plan import Item, MicroBatch, Stage

__all__ = ["items_of", "stage_dependencies", "work_dependencies"]


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


def work_dependencies(program: Program, stages: Sequence[Stage]) -> Callable[[Work], list[Work]]:
    """What must have finished before a work starts: a function of it.

    A forward pass reads what other stages made. An input gradient reads its stage's activations, and the gradients
    from all stages that read its stage's values. A weight gradient reads what the input gradient did.
    """
    sources = stage_dependencies(program, stages)
    readers: list[list[int]] = [[] for _ in stages]
    for reader, read in enumerate(sources):
        for source in read:
            readers[source].append(reader)

    def needs(work: Work) -> list[Work]:
        phase, stage, batch = work
        if phase == "F":
            return [Work("F", source, batch) for source in sources[stage]]
        if phase == "B":
            return [Work("F", stage, batch), *(Work("B", reader, batch) for reader in readers[stage])]
        return [Work("B", stage, batch)]

    return needs


def items_of(
    program: Program,
    stages: Sequence[Stage],
    batches: Sequence[MicroBatch],
    workers: Sequence[Iterable[Work]],
) -> tuple[tuple[Item, ...], tuple[tuple[int, ...], ...]]:
    """The items of the workers' orders, each after what it reads and after the last user of its slot.

    ``after`` names items of other workers only: a worker keeps its own order.

    Raises
    ------
    ValueError
        If an order has a stage or micro-batch that there is not.
    """
    works: list[Work] = []
    worker_of: list[int] = []
    lists: list[tuple[int, ...]] = []
    for worker, order in enumerate(workers):
        begin = len(works)
        works += order
        worker_of += [worker] * (len(works) - begin)
        lists.append(tuple(range(begin, len(works))))

    for work in works:
        if not 0 <= work.stage < len(stages) or not 0 <= work.micro_batch < len(batches):
            raise ValueError(f"plan: {work}: there are {len(stages)} stages and {len(batches)} micro-batches")
    number = {work: item for item, work in enumerate(works)}
    needs = work_dependencies(program, stages)
    # What an order leaves out is not waited for; the checker names it.
    after = [[number[need] for need in needs(work) if need in number] for work in works]
    last = _last_of_each_batch(works, after, len(batches))
    before = _previous_in_slot(batches)
    items = []
    for item, work in enumerate(works):
        waits = after[item]
        if not waits and work.micro_batch in before:
            waits = last[before[work.micro_batch]]
        others = sorted({other for other in waits if worker_of[other] != worker_of[item]})
        items.append(Item(work.stage, work.micro_batch, tuple(others), work.phase))
    return tuple(items), tuple(lists)


def _last_of_each_batch(works: Sequence[Work], after: Sequence[Sequence[int]], batches: int) -> list[list[int]]:
    """For each micro-batch, the items that no other waits for: with them, all of it has finished."""
    awaited = {other for others in after for other in others}
    last: list[list[int]] = [[] for _ in range(batches)]
    for item, work in enumerate(works):
        if item not in awaited:
            last[work.micro_batch].append(item)
    return last


def _previous_in_slot(batches: Sequence[MicroBatch]) -> dict[int, int]:
    """The micro-batch that used the slot of another one last before it."""
    previous: dict[int, int] = {}
    user: dict[int, int] = {}
    for index, batch in enumerate(batches):
        if batch.slot in user:
            previous[index] = user[batch.slot]
        user[batch.slot] = index
    return previous
