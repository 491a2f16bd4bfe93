"""Training plans: what the checker refuses, as literals."""

import itertools
from dataclasses import replace

import pytest
from stretto.schedule import orders
from stretto.schedule.check import PlanError, check
from stretto.schedule.items import items_of
from stretto.schedule.orders import Work

from tests.schedule.plans import chain, plan_of

PROGRAM = chain(2)
WORKS = [(phase, stage, batch) for phase in "FBW" for stage in range(2) for batch in range(2)]


def refused(plan, text):
    with pytest.raises(PlanError, match=text):
        check(PROGRAM, plan)


def work_of(item):
    return Work(item.phase, item.stage, item.micro_batch)


def after(plan, index, others):
    return replace(plan, items=tuple(replace(x, after=others) if i == index else x for i, x in enumerate(plan.items)))


@pytest.fixture(scope="module")
def plan():
    return plan_of(orders.one_forward_one_backward(2, 2), PROGRAM, 2)


@pytest.fixture(scope="module")
def scattered():
    """Each phase of each stage on a worker of its own: item numbers are those of the works F0 F1 B0 B1 W0 W1."""
    scattered = plan_of([[Work(phase, stage, 0)] for phase in "FBW" for stage in range(2)], PROGRAM, 1)
    assert [item.after for item in scattered.items] == [(), (0,), (0, 3), (1,), (2,), (3,)]
    return scattered


@pytest.mark.parametrize("missing", WORKS)
def test_every_phase_is_planned(plan, missing):
    workers = [[work_of(plan.items[i]) for i in worker] for worker in plan.workers]
    workers = [[work for work in worker if work != missing] for worker in workers]
    items, lists = items_of(PROGRAM, plan.stages, plan.micro_batches, workers)
    phase, stage, batch = missing
    refused(
        replace(plan, items=items, workers=lists),
        f"^check: {phase} of stage {stage} on micro-batch {batch} is planned nowhere$",
    )


@pytest.mark.parametrize("again", WORKS)
def test_no_phase_is_planned_twice(plan, again):
    (item,) = [item for item in plan.items if work_of(item) == again]
    phase, stage, batch = again
    refused(
        replace(plan, items=(*plan.items, item)),
        f"^check: {phase} of stage {stage} on micro-batch {batch} is planned twice$",
    )


@pytest.mark.parametrize(
    ("index", "others", "text"),
    [
        (1, (), "F of stage 1 .* may start before F of stage 0 "),
        (3, (), "B of stage 1 .* may start before F of stage 1 "),
        (2, (0,), "B of stage 0 .* may start before B of stage 1 "),
        (4, (), "W of stage 0 .* may start before B of stage 0 "),
        (5, (1,), "W of stage 1 .* may start before B of stage 1 "),
    ],
)
def test_dependencies(scattered, index, others, text):
    refused(after(scattered, index, others), text)


def test_what_follows_from_other_dependencies_may_be_left_out(scattered):
    # B of stage 1 comes after F of stage 1, and that after F of stage 0.
    check(PROGRAM, after(scattered, 2, (3,)))


def test_hang(plan):
    works = [[work_of(plan.items[i]) for i in worker] for worker in plan.workers]
    for worker in range(2):
        backwards = [order[::-1] if w == worker else order for w, order in enumerate(works)]
        items, lists = items_of(PROGRAM, plan.stages, plan.micro_batches, backwards)
        refused(
            replace(plan, items=items, workers=lists),
            r"would hang: [FBW] of stage \d on micro-batch \d|may start before",
        )
    with pytest.raises(PlanError, match=r"would hang: [FBW] of stage . on micro-batch . waits, through others, for"):
        plan_of(orders.gpipe(2, 3), PROGRAM, 3, slots=2)  # fill and drain needs a slot for each


def test_a_slot_is_taken_when_the_weight_gradients_are_done():
    good = plan_of(orders.one_forward_one_backward(2, 3), PROGRAM, 3, slots=2)
    number = {work_of(item): i for i, item in enumerate(good.items)}
    first = number[Work("F", 0, 2)]
    assert good.items[first].after == (number[Work("W", 1, 0)],)
    refused(
        after(good, first, (number[Work("B", 1, 0)],)),
        "F of stage 0 on micro-batch 2 may write slot 0 while micro-batch 0 still uses it",
    )


def test_every_pair_of_phases_in_any_order_of_one_worker():
    """On one worker exactly those orders pass in which F0 F1 B1 B0 stand so, and each W after its B."""
    works = [Work(phase, stage, 0) for phase in "FBW" for stage in range(2)]
    chained = [Work("F", 0, 0), Work("F", 1, 0), Work("B", 1, 0), Work("B", 0, 0)]
    passed = 0
    for order in itertools.permutations(works):
        place = order.index
        is_right = all(place(a) < place(b) for a, b in itertools.pairwise(chained)) and all(
            place(Work("B", s, 0)) < place(Work("W", s, 0)) for s in range(2)
        )
        try:
            plan_of([order], PROGRAM, 1)
            assert is_right
            passed += 1
        except PlanError:
            assert not is_right
    assert passed == 3  # W of stage 1 directly after B of stage 1, after B of stage 0, or last
