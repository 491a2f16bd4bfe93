"""What a plan will do, before it runs: when each item begins and ends if its steps take so long."""

from __future__ import annotations

from collections.abc import Sequence

from stretto.schedule.check import items_in_order
from stretto.schedule.plan import Item, Plan
from stretto.timeline import Span, Timeline

__all__ = ["idle_fraction", "peak_live", "simulate"]


def simulate(
    plan: Plan,
    seconds: Sequence[Sequence[float]],
    *,
    hand_off: float = 0.0,
    starts: Sequence[float] = (),
    names: Sequence[str] = (),
) -> Timeline:
    """The timeline that a plan would have.

    An item begins when its worker has done what stands before it and all it waits for has finished, ``hand_off``
    later where another worker did it.

    Parameters
    ----------
    plan : Plan
    seconds : sequence of sequence of float
        Of each item of ``plan.items``, in seconds: the times of its stage's steps in order, or one time of all.
    hand_off : float
        Seconds from the end of an item until another worker sees it.
    starts : sequence of float
        When each worker may begin, in seconds: its wake-up. Zero by default.
    names : sequence of str
        What the program's steps are called in spans of single steps. Without names, and where one time stands for
        all steps, spans are called by phase and stage: ``"F2"``.

    Returns
    -------
    Timeline
        Of the kind ``"predicted"``.

    Raises
    ------
    ValueError
        If times are missing, or too many.
    PlanError
        If the plan cannot get to its end; the text names phase, stage and micro-batch.

    Examples
    --------
    >>> from stretto.schedule.plan import Item, MicroBatch, Plan, Stage
    >>> stages = (Stage("a", (0,)), Stage("b", (1, 2)))
    >>> plan = Plan("by hand", 1, stages, (MicroBatch(0, 1),), (Item(0, 0), Item(1, 0, after=(0,))), ((0,), (1,)))
    >>> timeline = simulate(plan, [[1.0], [2.0, 3.0]], hand_off=0.5, names=["matmul", "relu", "matmul"])
    >>> [(span.name, span.begin, span.end) for span in timeline.spans]
    [('matmul', 0.0, 1.0), ('relu', 1.5, 3.5), ('matmul', 3.5, 6.5)]
    """
    if len(seconds) != len(plan.items):
        raise ValueError(f"simulate: times of {len(seconds)} items given; the plan has {len(plan.items)}")
    worker_of = _workers(plan)
    free = [starts[w] if w < len(starts) else 0.0 for w in range(len(plan.workers))]
    finished = [0.0] * len(plan.items)
    spans: list[Span] = []
    for number in items_in_order(plan):
        item, worker = plan.items[number], worker_of[number]
        now = free[worker]
        for other in item.after:
            now = max(now, finished[other] + (hand_off if worker_of[other] != worker else 0.0))
        for step, name, time in _parts(plan, item, seconds[number], names):
            spans.append(Span(worker, item.stage, step, name, item.micro_batch, now, now + time, item.phase))
            now += time
        finished[number] = free[worker] = now
    return Timeline(tuple(sorted(spans, key=lambda span: (span.begin, span.worker))), "predicted")


def idle_fraction(timeline: Timeline, workers: int) -> float:
    """The bubble: the share of the workers' time, from the first begin to the last end, in which they compute nothing.

    Examples
    --------
    >>> from stretto.timeline import Span
    >>> spans = (Span(0, 0, 0, "F0", 0, 0.0, 1.0), Span(1, 1, 1, "F1", 0, 1.0, 2.0))
    >>> idle_fraction(Timeline(spans), workers=2)
    0.5
    """
    available = workers * timeline.duration
    return 1 - sum(timeline.busy().values()) / available if available else 0.0


def peak_live(plan: Plan) -> list[int]:
    """For each worker, of how many (stage, micro-batch) it holds the activations at most at once.

    The forward pass makes them; the last phase that the plan has of the stage on the micro-batch frees them.

    Examples
    --------
    >>> from stretto.schedule.plan import Item, MicroBatch, Plan, Stage
    >>> items = tuple(Item(0, batch, phase=phase) for phase in "FBW" for batch in range(3))
    >>> peak_live(Plan("by hand", 3, (Stage("all", ()),), (MicroBatch(0, 3),), items, (tuple(range(9)),)))
    [3]
    """
    worker_of = _workers(plan)
    order = items_in_order(plan)
    last = {(plan.items[number].stage, plan.items[number].micro_batch): number for number in order}
    live, peak = [0] * len(plan.workers), [0] * len(plan.workers)
    for number in order:
        item, worker = plan.items[number], worker_of[number]
        live[worker] += item.phase == "F"
        peak[worker] = max(peak[worker], live[worker])
        live[worker] -= last[item.stage, item.micro_batch] == number
    return peak


def _workers(plan: Plan) -> dict[int, int]:
    return {item: worker for worker, items in enumerate(plan.workers) for item in items}


def _parts(plan: Plan, item: Item, seconds: Sequence[float], names: Sequence[str]) -> list[tuple[int, str, float]]:
    """(step, name, seconds) of the spans of an item."""
    steps = plan.stages[item.stage].steps
    block = f"{item.phase}{item.stage}"
    if len(seconds) == len(steps):
        return [(step, names[step] if names else block, time) for step, time in zip(steps, seconds, strict=True)]
    if len(seconds) == 1:
        return [(steps[0] if steps else -1, block, seconds[0])]
    raise ValueError(
        f"simulate: {len(seconds)} times given for {block} on micro-batch {item.micro_batch}; "
        f"the stage has {len(steps)} steps: give one for each, or one for all"
    )
