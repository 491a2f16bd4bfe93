"""Rehearsals: a plan's order on real workers, with sleeps in place of the kernels."""

from __future__ import annotations

import graphlib
import itertools
import math
from collections.abc import Sequence

from stretto import _core
from stretto.schedule.plan import Plan
from stretto.threads import MOST_THREADS
from stretto.timeline import Span, Timeline

__all__ = ["rehearse"]


def rehearse(plan: Plan, seconds: Sequence[float] | float) -> Timeline:
    """Run a plan's items as sleeps, on as many threads as it has workers, and say what ran when.

    The hand-offs are those of a real run; nothing is computed, so more workers than cores are no hindrance.

    Parameters
    ----------
    plan : Plan
    seconds : float, or sequence of float
        How long each item sleeps, in the order of ``plan.items``.

    Returns
    -------
    Timeline
        One span an item, under its stage's first step and name.

    Raises
    ------
    ValueError
        If a duration is negative, their number is wrong, or the plan would hang.

    Examples
    --------
    >>> from stretto.schedule.plan import Item, MicroBatch, Plan, Stage
    >>> items = (Item(0, 0), Item(1, 0, after=(0,)))
    >>> stages = (Stage("first", (0,)), Stage("second", (1,)))
    >>> plan = Plan("pipeline", 1, stages, (MicroBatch(0, 1),), items, workers=((0,), (1,)))
    >>> [span.name for span in rehearse(plan, [0.002, 0.001]).spans]
    ['first', 'second']
    """
    each = [float(seconds)] * len(plan.items) if isinstance(seconds, int | float) else [float(s) for s in seconds]
    if len(each) != len(plan.items):
        raise ValueError(f"rehearse: {len(each)} durations given; the plan has {len(plan.items)} items")
    for number, duration in enumerate(each):
        if not (math.isfinite(duration) and 0 <= duration <= 1e9):
            raise ValueError(
                f"rehearse: the duration of item {number} is out of range: {duration}; it must be 0 to 1e9 seconds"
            )
    _refuse_hanging(plan)
    spans = _core.rehearse(
        _core.Workshop(max(1, len(plan.workers))),
        [item.after for item in plan.items],
        plan.workers or ((),),
        [round(duration * 1e9) for duration in each],
    )
    origin = min((begin for _, _, begin, _ in spans), default=0)
    found = []
    for worker, number, begin, end in spans:
        item = plan.items[number]
        stage = plan.stages[item.stage]
        step = stage.steps[0] if stage.steps else -1
        found.append(
            Span(worker, item.stage, step, stage.name, item.micro_batch, (begin - origin) * 1e-9, (end - origin) * 1e-9)
        )
    return Timeline(tuple(sorted(found, key=lambda s: (s.begin, s.worker))))


def _refuse_hanging(plan: Plan) -> None:
    """A look at the order alone; stretto.schedule.check needs the program."""
    count = len(plan.items)
    if len(plan.workers) > MOST_THREADS:
        raise ValueError(f"rehearse: too many workers: {len(plan.workers)}; at most {MOST_THREADS}")
    if sorted(itertools.chain(*plan.workers)) != list(range(count)):
        raise ValueError(f"rehearse: the workers' lists must hold each of the {count} items once")
    waits: dict[int, set[int]] = {number: set(item.after) for number, item in enumerate(plan.items)}
    for number, others in waits.items():
        if any(not 0 <= other < count for other in others):
            raise ValueError(f"rehearse: item {number} waits for items {sorted(others)}: the plan has {count}")
    for worker in plan.workers:
        for one, next_one in itertools.pairwise(worker):
            waits[next_one].add(one)
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        raise ValueError(
            f"rehearse: the plan would hang: item {error.args[1][0]} waits, through others, for itself"
        ) from None
