"""The checker against brute force: all states that a plan can reach are visited, for drawn plans and damaged ones."""

import itertools
from dataclasses import replace

import numpy as np
import stretto as st
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as hs
from stretto.schedule import orders
from stretto.schedule.check import PlanError, check
from stretto.schedule.items import items_of
from stretto.schedule.plan import MicroBatch, Plan, Stage

from tests.schedule.plans import chain, plan_of


def branching():
    """Step 0 is read by the steps 1 and 2, which step 3 reads."""

    def f(x):
        a = st.relu(x)
        return st.add(st.exp(a), st.tanh(a))

    return st.trace(f, np.zeros((4, 2), "f4"))


BRANCHING = branching()
READS = {1: {0}, 2: {0}, 3: {1, 2}}  # of its steps


def is_right(reads, plan):
    """Whether nothing can begin before what it needs has finished, in any state that the workers can reach."""

    def ready(item, done):
        """Whether all that the item needs has finished."""
        finished = {(plan.items[i].phase, plan.items[i].stage, plan.items[i].micro_batch) for i in done}
        phase, stage, batch = item.phase, item.stage, item.micro_batch
        if phase == "F":
            needed = {("F", source, batch) for source in reads.get(stage, ())}
        elif phase == "B":
            needed = {("F", stage, batch)} | {("B", reader, batch) for reader in reads if stage in reads[reader]}
        else:
            needed = {("B", stage, batch)}
        slot = plan.micro_batches[batch].slot
        former = [b for b in range(batch) if plan.micro_batches[b].slot == slot]
        all_of_former = {i for i, other in enumerate(plan.items) if other.micro_batch in former}
        return needed <= finished and all_of_former <= done

    first = (0,) * len(plan.workers)
    states, seen = [first], {first}
    while states:
        state = states.pop()
        done = {i for worker, count in zip(plan.workers, state, strict=True) for i in worker[:count]}
        moves = [w for w, worker in enumerate(plan.workers) if state[w] < len(worker)]
        able = [w for w in moves if set(plan.items[plan.workers[w][state[w]]].after) <= done]
        if moves and not able:
            return False
        for w in able:
            if not ready(plan.items[plan.workers[w][state[w]]], done):
                return False
            further = (*state[:w], state[w] + 1, *state[w + 1 :])
            if further not in seen:
                seen.add(further)
                states.append(further)
    return True


@hs.composite
def drawn(draw):
    """(program, what each stage reads, plan), unchecked and with any number of slots."""
    m = draw(hs.integers(1, 3))
    kind = draw(hs.sampled_from(["depth_first", "in_shares", "replicated", "branches", "training", "interleaved"]))
    if kind == "interleaved":
        stages, m = 4, 2
        order = orders.interleaved(2, m, 2)
    elif kind == "branches":
        stages, m = 4, min(m, 2)
        order = draw(hs.sampled_from([orders.stream, orders.gpipe]))(stages, m)
    else:
        stages = draw(hs.integers(1, 3))
        if kind == "replicated":
            order = orders.replicated([draw(hs.integers(1, 2)) for _ in range(stages)], m, draw(hs.integers(0, 2)))
        elif kind == "training":
            training = [orders.gpipe, orders.one_forward_one_backward, orders.zero_bubble_h1]
            order = draw(hs.sampled_from(training))(stages, m)
        elif kind == "in_shares":
            order = orders.in_shares(stages, [count for _, count in orders.shares(m, draw(hs.integers(1, 2)))])
        else:
            order = orders.depth_first(stages, m)
    program = BRANCHING if kind == "branches" else chain(stages)
    reads = READS if kind == "branches" else {stage: {stage - 1} for stage in range(1, stages)}
    slots = draw(hs.integers(1, m))
    batches = tuple(MicroBatch(i, 1, i % slots) for i in range(m))
    cut = tuple(Stage("", (step,)) for step in range(stages))
    items, workers = items_of(program, cut, batches, list(order))
    return program, reads, Plan(kind, m, cut, batches, items, workers, slots)


def is_accepted(program, plan):
    try:
        check(program, plan)
    except PlanError as error:
        event(str(error).split(" ")[1])
        return False
    return True


COMPARED = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@COMPARED
@given(drawn())
def test_drawn_plans(case):
    program, reads, plan = case
    accepted = is_accepted(program, plan)
    assert accepted == is_right(reads, plan)
    assert accepted or plan.slots < len(plan.micro_batches)


@COMPARED
@given(drawn(), hs.data())
def test_a_dependency_less(case, data):
    program, reads, plan = case
    waiting = [i for i, item in enumerate(plan.items) if item.after]
    if waiting:
        index = data.draw(hs.sampled_from(waiting))
        others = data.draw(hs.permutations(plan.items[index].after))[1:]
        changed = tuple(replace(x, after=tuple(others)) if i == index else x for i, x in enumerate(plan.items))
        plan = replace(plan, items=changed)
    assert is_accepted(program, plan) == is_right(reads, plan)


@COMPARED
@given(drawn(), hs.data())
def test_two_works_swapped(case, data):
    program, reads, plan = case
    worker = data.draw(hs.integers(0, len(plan.workers) - 1))
    order = list(plan.workers[worker])
    if len(order) > 1:
        a, b = data.draw(hs.lists(hs.integers(0, len(order) - 1), min_size=2, max_size=2, unique=True))
        order[a], order[b] = order[b], order[a]
    plan = replace(plan, workers=(*plan.workers[:worker], tuple(order), *plan.workers[worker + 1 :]))
    assert is_accepted(program, plan) == is_right(reads, plan)


def test_large_plans_pass():
    for order, stages in itertools.product((orders.stream, orders.one_forward_one_backward), (1, 8)):
        plan_of(order(stages, 80), chain(stages), 80, slots=stages + 1)
