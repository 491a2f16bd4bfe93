"""Every way that a program may run: all schedules, workers, threads and micro-batch sizes that are legal."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import stretto as st
from stretto.schedule.arrange import arrange
from stretto.schedule.candidate import Wanted
from stretto.schedule.candidates import SCHEDULES, candidates
from stretto.schedule.cost import CostModel
from stretto.schedule.plan import Choice, Plan

PARTS = (2, 4, 8)  # micro-batches that a batch is cut into


def counts(most: int) -> list[int]:
    """Powers of two up to ``most``, and itself.

    Examples
    --------
    >>> counts(6)
    [1, 2, 4, 6]
    """
    return sorted({most, *(1 << k for k in range(most.bit_length()))})


def sizes(samples: int) -> list[int]:
    """Micro-batch sizes: at least three, where the batch has as many.

    Examples
    --------
    >>> sizes(64), sizes(3), sizes(1)
    ([32, 16, 8, 1], [2, 1], [1])
    """
    return sorted({*(max(1, -(-samples // parts)) for parts in PARTS), 1}, reverse=True)


def every_choice(model: CostModel, samples: int, workers: int) -> list[Choice]:
    """Choices of all schedules of `stretto.schedule.candidates`, those that make the same plan once.

    A schedule that is new there is in this list without a change here.

    Parameters
    ----------
    model : CostModel
        Of the program: it says where stages are cut and placed.
    samples : int
    workers : int
        At most so many workers times threads.
    """
    asked = [Wanted(workers)]  # what the planner would look at, then the rest
    cuts = [None] if model.program.why_not_cut() else [None, *sizes(samples)]
    for schedule, count, threads, size in product(SCHEDULES, counts(workers), counts(workers), cuts):
        if count * threads <= workers:
            asked.append(Wanted(count * threads, schedule, size, threads))
    found: dict[Plan, Choice] = {}
    for wanted in asked:
        for candidate in candidates(model, samples, wanted):
            choice = candidate.choice
            if not candidate.verdict and choice.workers * choice.threads <= workers:
                found.setdefault(plan_of(model.program, choice, samples), choice)
    return list(found.values())


def plan_of(program: st.Program, choice: Choice, samples: int) -> Plan:
    """What a choice amounts to, without names: what two choices have in common that run the same."""
    plan = arrange(program, choice, samples)
    plan = replace(plan, schedule="", stages=tuple(replace(stage, name="") for stage in plan.stages))
    if len(plan.workers) > 1:
        return plan
    return replace(plan, slots=1, micro_batches=tuple(replace(batch, slot=0) for batch in plan.micro_batches))
