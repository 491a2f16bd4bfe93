"""Proving a plan before it runs: every step once, in an order that keeps dependencies and cannot deadlock."""

from __future__ import annotations

import itertools

from stretto.program import Program
from stretto.schedule.items import stage_dependencies
from stretto.schedule.plan import Plan

__all__ = ["PlanError", "check"]


class PlanError(ValueError):
    """The plan is wrong; the text names the step."""


def check(program: Program, plan: Plan) -> None:
    """Refuse a plan that is not a right way to run the program.

    Raises
    ------
    PlanError
        With a sentence that names the stage, item or step.
    """
    _steps_once(program, plan)
    _samples_once(program, plan)
    _items_once(plan)
    before = _finished_before(plan)
    _dependencies_kept(program, plan, before)
    _slots_free(plan, before)


def _steps_once(program: Program, plan: Plan) -> None:
    count = len(program.steps)
    seen: dict[int, int] = {}
    for number, stage in enumerate(plan.stages):
        for step in stage.steps:
            if not 0 <= step < count:
                raise PlanError(f"check: stage {number} has step {step}: the program's steps are 0 to {count - 1}")
            if step in seen:
                raise PlanError(
                    f"check: step {step} ({program.steps[step].op}) is in stage {seen[step]} and in stage {number}"
                )
            seen[step] = number
    for step in range(count):
        if step not in seen:
            raise PlanError(f"check: step {step} ({program.steps[step].op}) is in no stage")
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
    seen: set[tuple[int, int]] = set()
    for number, item in enumerate(plan.items):
        if not 0 <= item.stage < len(plan.stages) or not 0 <= item.micro_batch < len(plan.micro_batches):
            raise PlanError(f"check: item {number} is stage {item.stage} on micro-batch {item.micro_batch}: no such")
        if (item.stage, item.micro_batch) in seen:
            raise PlanError(f"check: stage {item.stage} on micro-batch {item.micro_batch} is planned twice")
        seen.add((item.stage, item.micro_batch))
        for other in item.after:
            if not 0 <= other < len(plan.items):
                raise PlanError(f"check: item {number} waits for item {other}: there are {len(plan.items)}")
    for stage in range(len(plan.stages)):
        for batch in range(len(plan.micro_batches)):
            if (stage, batch) not in seen:
                raise PlanError(f"check: stage {stage} on micro-batch {batch} is planned nowhere")
    dealt = [item for worker in plan.workers for item in worker]
    if sorted(dealt) != list(range(len(plan.items))):
        twice = next((i for i in dealt if dealt.count(i) > 1), None)
        missing = next((i for i in range(len(plan.items)) if i not in dealt), None)
        what = f"item {twice} is dealt twice" if twice is not None else f"item {missing} is dealt to no worker"
        raise PlanError(f"check: {what}: each must stand on one worker's list once")


def _finished_before(plan: Plan) -> list[int]:
    """For each item, as a bit set, all that have finished when it starts. Refuses a plan that would hang."""
    waits: list[set[int]] = [set(item.after) for item in plan.items]
    for worker in plan.workers:
        for one, next_one in itertools.pairwise(worker):
            waits[next_one].add(one)
    before = [0] * len(waits)
    remaining = [len(w) for w in waits]
    followers: list[list[int]] = [[] for _ in waits]
    for item, others in enumerate(waits):
        for other in others:
            followers[other].append(item)
    ready = [i for i, count in enumerate(remaining) if count == 0]
    done = 0
    while ready:
        item = ready.pop()
        done += 1
        for follower in followers[item]:
            before[follower] |= before[item] | (1 << item)
            remaining[follower] -= 1
            if remaining[follower] == 0:
                ready.append(follower)
    if done != len(waits):
        stuck = next(i for i, count in enumerate(remaining) if count)
        item_ = plan.items[stuck]
        raise PlanError(
            f"check: the plan would hang: stage {item_.stage} on micro-batch {item_.micro_batch} "
            "waits, through others, for itself"
        )
    return before


def _dependencies_kept(program: Program, plan: Plan, before: list[int]) -> None:
    number = {(item.stage, item.micro_batch): i for i, item in enumerate(plan.items)}
    needs = stage_dependencies(program, plan.stages)
    for index, item in enumerate(plan.items):
        for stage in needs[item.stage]:
            if not before[index] >> number[stage, item.micro_batch] & 1:
                step = plan.stages[item.stage].steps[0]
                raise PlanError(
                    f"check: stage {item.stage} (from step {step}, {program.steps[step].op}) on micro-batch "
                    f"{item.micro_batch} may start before stage {stage}, whose results it reads, has finished"
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
                        f"check: stage {plan.items[index].stage} on micro-batch {next_one} may write slot {slot} "
                        f"while micro-batch {one} still uses it"
                    )
