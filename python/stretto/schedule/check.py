"""Proving a plan before it runs: every step once, in an order that keeps dependencies and cannot deadlock."""

from __future__ import annotations

import graphlib
import itertools
from collections import Counter

from stretto.program import Program
from stretto.schedule.items import work_dependencies
from stretto.schedule.orders import Work
from stretto.schedule.plan import Item, Plan

__all__ = ["PlanError", "check", "items_in_order"]

PHASES = ("F", "B", "W")


class PlanError(ValueError):
    """The plan is wrong; the text names the step, or the phase, stage and micro-batch."""


def check(program: Program, plan: Plan) -> None:
    """Refuse a plan that is not a right way to run the program, whatever the timing.

    A step stands in one stage whole, or in n stages as the n parts of it. A plan with any ``"B"`` or ``"W"`` is a
    training plan: each stage has all three phases on each micro-batch. A micro-batch takes over a slot when all of the
    one before it has finished.

    Raises
    ------
    PlanError
        With a sentence that names the step, or the phase, stage and micro-batch.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> from stretto.schedule.plan import Item, MicroBatch, Plan, Stage
    >>> program = st.trace(lambda x: st.relu(st.mul(x, x)), np.ones((2, 3), "f4"))
    >>> stages = (Stage("mul", (0,)), Stage("relu", (1,)))
    >>> check(program, Plan("by hand", 2, stages, (MicroBatch(0, 2),), (Item(0, 0), Item(1, 0)), ((0,), (1,))))
    Traceback (most recent call last):
    stretto.schedule.check.PlanError: check: F of stage 1 (from step 1, relu) on micro-batch 0 may start before \
F of stage 0 on micro-batch 0, which it needs, has finished
    """
    _steps_once(program, plan)
    _steps_in_order(program, plan)
    _samples_once(program, plan)
    _items_once(plan)
    before = _finished_before(plan)
    _dependencies_kept(program, plan, before)
    _slots_free(plan, before)


def items_in_order(plan: Plan) -> list[int]:
    """The items in an order in which they can run.

    Raises
    ------
    PlanError
        If an item does not stand on one worker's list once, or waits, through others, for itself.
    """
    dealt = Counter(itertools.chain.from_iterable(plan.workers))
    for item in range(len(plan.items)):
        if dealt[item] != 1:
            what = "to no worker" if dealt[item] == 0 else "twice"
            raise PlanError(f"check: item {item} is dealt {what}: each must stand on one worker's list once")
    unknown = next((item for item in dealt if not 0 <= item < len(plan.items)), None)
    if unknown is not None:
        raise PlanError(f"check: item {unknown} is dealt to a worker: there are {len(plan.items)}")
    try:
        return list(graphlib.TopologicalSorter(dict(enumerate(_waits(plan)))).static_order())
    except graphlib.CycleError as error:
        stuck = min(error.args[1])
        raise PlanError(
            f"check: the plan would hang: {_name(plan.items[stuck])} waits, through others, for itself"
        ) from None


def _name(work: Work | Item) -> str:
    return f"{work.phase} of stage {work.stage} on micro-batch {work.micro_batch}"


def _steps_once(program: Program, plan: Plan) -> None:
    count = len(program.steps)
    holders: list[dict[tuple[int, int], int]] = [{} for _ in range(count)]  # of each step: part -> stage
    for number, stage in enumerate(plan.stages):
        part, parts = stage.part
        if not 0 <= part < parts:
            raise PlanError(f"check: stage {number} is part {part} of {parts}: the parts are 0 to {parts - 1}")
        for step in stage.steps:
            if not 0 <= step < count:
                raise PlanError(f"check: stage {number} has step {step}: the program's steps are 0 to {count - 1}")
            name = f"step {step} ({program.steps[step].op})"
            for (_, other_parts), other in holders[step].items():
                if other_parts != parts:
                    raise PlanError(
                        f"check: {name} is cut into {other_parts} in stage {other} and into {parts} in stage {number}"
                    )
            if stage.part in holders[step]:
                which = f"part {part} of {parts} of {name}" if parts > 1 else name
                raise PlanError(f"check: {which} is in stage {holders[step][stage.part]} and in stage {number}")
            holders[step][stage.part] = number
    for step, found in enumerate(holders):
        name = f"step {step} ({program.steps[step].op})"
        if not found:
            raise PlanError(f"check: {name} is in no stage")
        parts = next(iter(found))[1]
        for part in range(parts):
            if (part, parts) not in found:
                raise PlanError(f"check: part {part} of {parts} of {name} is in no stage")


def _steps_in_order(program: Program, plan: Plan) -> None:
    producers = program.producers()
    for number, stage in enumerate(plan.stages):
        position = {step: i for i, step in enumerate(stage.steps)}
        for step in stage.steps:
            for value in program.steps[step].inputs:
                producer = producers.get(value) if value is not None else None
                if producer in position and position[producer] > position[step]:
                    raise PlanError(
                        f"check: step {step} ({program.steps[step].op}) of stage {number} "
                        f"stands before step {producer}, whose result it reads"
                    )


def _samples_once(program: Program, plan: Plan) -> None:
    if len(plan.micro_batches) > 1:
        reason = program.why_not_cut()
        if reason:
            raise PlanError(f"check: the plan has {len(plan.micro_batches)} micro-batches, but {reason}")
    expected = 0
    for number, batch in enumerate(plan.micro_batches):
        if batch.first != expected or batch.samples < 0:
            raise PlanError(
                f"check: micro-batch {number} begins at sample {batch.first}; it must begin at {expected}, "
                "where the one before ends"
            )
        if not 0 <= batch.slot < plan.slots:
            raise PlanError(f"check: micro-batch {number} uses slot {batch.slot}: the plan has {plan.slots}")
        expected += batch.samples
    if expected != plan.samples:
        raise PlanError(f"check: the micro-batches hold {expected} samples; the plan is for {plan.samples}")


def _items_once(plan: Plan) -> None:
    planned: set[Work] = set()
    for number, item in enumerate(plan.items):
        known = item.phase in PHASES
        if not known or not 0 <= item.stage < len(plan.stages) or not 0 <= item.micro_batch < len(plan.micro_batches):
            raise PlanError(f"check: item {number} is {_name(item)}: no such")
        work = Work(item.phase, item.stage, item.micro_batch)
        if work in planned:
            raise PlanError(f"check: {_name(work)} is planned twice")
        planned.add(work)
        for other in item.after:
            if not 0 <= other < len(plan.items):
                raise PlanError(f"check: item {number} waits for item {other}: there are {len(plan.items)}")
    phases = PHASES if any(work.phase != "F" for work in planned) else ("F",)
    for phase, stage, batch in itertools.product(phases, range(len(plan.stages)), range(len(plan.micro_batches))):
        if Work(phase, stage, batch) not in planned:
            raise PlanError(f"check: {_name(Work(phase, stage, batch))} is planned nowhere")


def _waits(plan: Plan) -> list[list[int]]:
    """For each item, those it waits for, the one before it on its worker's list among them."""
    waits = [list(item.after) for item in plan.items]
    for worker in plan.workers:
        for one, next_one in itertools.pairwise(worker):
            waits[next_one].append(one)
    return waits


def _finished_before(plan: Plan) -> list[int]:
    """For each item, as a bit set, all that have finished when it starts."""
    order = items_in_order(plan)
    waits = _waits(plan)
    before = [0] * len(waits)
    with_itself = [0] * len(waits)
    for item in order:
        for other in waits[item]:
            before[item] |= with_itself[other]
        with_itself[item] = before[item] | 1 << item
    return before


def _dependencies_kept(program: Program, plan: Plan, before: list[int]) -> None:
    number = {Work(item.phase, item.stage, item.micro_batch): i for i, item in enumerate(plan.items)}
    needs = work_dependencies(program, plan.stages)
    for work, index in number.items():
        for need in needs(work):
            if not before[index] >> number[need] & 1:
                steps = plan.stages[work.stage].steps
                where = f" (from step {steps[0]}, {program.steps[steps[0]].op})" if steps else ""
                raise PlanError(
                    f"check: {work.phase} of stage {work.stage}{where} on micro-batch {work.micro_batch} "
                    f"may start before {_name(need)}, which it needs, has finished"
                )


def _slots_free(plan: Plan, before: list[int]) -> None:
    users: dict[int, list[int]] = {}
    for number, batch in enumerate(plan.micro_batches):
        users.setdefault(batch.slot, []).append(number)
    items: dict[int, list[int]] = {}
    for index, item in enumerate(plan.items):
        items.setdefault(item.micro_batch, []).append(index)
    for slot, batches in users.items():
        for one, next_one in itertools.pairwise(batches):
            needed = sum(1 << i for i in items[one])
            for index in items[next_one]:
                if needed & ~before[index]:
                    raise PlanError(
                        f"check: {_name(plan.items[index])} may write slot {slot} while micro-batch {one} still uses it"
                    )
