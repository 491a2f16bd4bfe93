"""Bad plans are refused with a sentence that names what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import stretto as st
from stretto.schedule import orders
from stretto.schedule.arrange import arrange
from stretto.schedule.check import PlanError, check
from stretto.schedule.items import items_of
from stretto.schedule.pipelines import stages_ending
from stretto.schedule.plan import Choice, Item, MicroBatch, Plan, Stage

from tests.schedule.plans import plan_of


@pytest.fixture(scope="module")
def program():
    net = st.Sequential(*(st.Linear(4, 4) for _ in range(4)))
    return st.trace(net, np.zeros((6, 4), "f4"))


@pytest.fixture(scope="module")
def plan(program):
    return arrange(program, Choice("pipeline", 2, 1, 1, stages_ending(program, [2, 4])), 6)


def changed_item(plan, index, **changes):
    return replace(plan, items=tuple(replace(x, **changes) if i == index else x for i, x in enumerate(plan.items)))


def test_good_plans_pass(program, plan):
    check(program, plan)
    for choice in (Choice("serial"), Choice("data", 3), Choice("data", 2, micro_batch=2), Choice("intra", threads=2)):
        for samples in (0, 1, 2, 5):
            check(program, arrange(program, choice, samples))


def test_json_round_trip(plan):
    assert Plan.from_json(plan.to_json()) == plan


def refused(program, plan, text):
    with pytest.raises(PlanError, match=text):
        check(program, plan)


def test_steps(program, plan):
    refused(program, replace(plan, stages=(Stage("a", (0, 1)), Stage("b", (2,)))), r"step 3 \(matmul\) is in no stage")
    twice = (Stage("a", (0, 1)), Stage("b", (1, 2, 3)))
    refused(program, replace(plan, stages=twice), r"step 1 \(matmul\) is in stage 0 and in stage 1")
    wrong = (Stage("a", (0, 1)), Stage("b", (3, 2)))
    refused(program, replace(plan, stages=wrong), r"step 3 \(matmul\) of stage 1 stands before step 2")
    unknown = (Stage("a", (0, 1)), Stage("b", (2, 3, 9)))
    refused(program, replace(plan, stages=unknown), "stage 1 has step 9")


def test_samples(program, plan):
    gap = (MicroBatch(0, 1, 0), MicroBatch(2, 1, 0))
    refused(program, replace(plan, micro_batches=gap), "micro-batch 1 begins at sample 2; it must begin at 1")
    short = plan.micro_batches[:-1]
    refused(program, replace(plan, micro_batches=short), "hold 5 samples; the plan is for 6")
    slot = (replace(plan.micro_batches[0], slot=7), *plan.micro_batches[1:])
    refused(program, replace(plan, micro_batches=slot), "micro-batch 0 uses slot 7")


def test_items(program, plan):
    refused(program, replace(plan, items=plan.items[:-1]), "stage 1 on micro-batch 5 is planned nowhere")
    again = (*plan.items, Item(1, 5))
    refused(program, replace(plan, items=again), "stage 1 on micro-batch 5 is planned twice")
    refused(program, replace(plan, workers=(plan.workers[0], ())), "is dealt to no worker")
    both = (plan.workers[0], plan.workers[0] + plan.workers[1])
    refused(program, replace(plan, workers=both), "item 0 is dealt twice")
    more = (plan.workers[0], (*plan.workers[1], 99))
    refused(program, replace(plan, workers=more), "item 99 is dealt to a worker: there are 12")
    refused(program, changed_item(plan, 3, after=(12,)), "item 3 waits for item 12: there are 12")
    refused(program, changed_item(plan, 3, stage=2), "item 3 is F of stage 2 on micro-batch 3: no such")
    refused(program, changed_item(plan, 3, phase="G"), "item 3 is G of stage 0 on micro-batch 3: no such")


def test_dependencies(program, plan):
    index = next(i for i, item in enumerate(plan.items) if item.stage == 1)
    refused(
        program,
        changed_item(plan, index, after=()),
        r"stage 1 \(from step 2, matmul\) on micro-batch 0 may start before F of stage 0",
    )


def test_deadlock(program, plan):
    stages = len(plan.micro_batches)
    refused(program, changed_item(plan, 0, after=(stages,)), "the plan would hang: F of stage . on micro-batch 0 waits")
    backwards = (plan.workers[0], plan.workers[1][::-1])
    refused(program, replace(plan, workers=backwards), "would hang|may write slot")


def test_slots(program, plan):
    items = tuple(replace(item, after=item.after if item.stage else ()) for item in plan.items)
    refused(program, replace(plan, items=items), "may write slot 0 while micro-batch 0 still uses it")


def test_a_mixing_program_is_not_cut():
    mixing = st.trace(lambda x: st.matmul(st.transpose(x, (1, 0)), x), np.zeros((4, 3), "f4"))
    whole = arrange(mixing, Choice("serial"), 4)
    check(mixing, whole)
    cut = replace(
        whole,
        micro_batches=(MicroBatch(0, 2), MicroBatch(2, 2)),
        items=(Item(0, 0), Item(0, 1)),
        workers=((0, 1),),
    )
    refused(mixing, cut, r"2 micro-batches, but step 1 \(matmul\) mixes samples")


def test_parts(program):
    def plan(*stages):
        order = list(orders.stream(len(stages), 6))
        batches = tuple(MicroBatch(i, 1, i) for i in range(6))
        return Plan("tensor", 6, stages, batches, *items_of(program, stages, batches, order), 6)

    first, last = Stage("first", (0,)), Stage("last", (2, 3))
    halves = [Stage("half", (1,), (k, 2)) for k in range(2)]
    check(program, plan(first, *halves, last))
    check(program, plan(first, halves[1], halves[0], last))
    refused(program, plan(first, halves[0], last), r"part 1 of 2 of step 1 \(matmul\) is in no stage")
    twice = plan(first, *halves, halves[1], last)
    refused(program, twice, r"part 1 of 2 of step 1 \(matmul\) is in stage 2 and in stage 3")
    whole = Stage("whole", (1,))
    refused(program, plan(first, *halves, whole, last), r"step 1 \(matmul\) is cut into 2 in stage 1 and into 1 in sta")
    refused(program, plan(first, Stage("half", (1,), (2, 2)), last), "stage 1 is part 2 of 2: the parts are 0 to 1")
    # Both parts of step 2 read both parts of step 1.
    pairs = [Stage("pair", (1, 2), (k, 2)) for k in range(2)]
    refused(program, plan(first, *pairs, Stage("last", (3,))), r"would hang: F of stage . on micro-batch \d waits")


def test_a_part_that_is_not_waited_for(program):
    stages = (Stage("", (0,), (0, 2)), Stage("", (0,), (1, 2)), Stage("", (1, 2, 3)))
    good = plan_of(orders.stream(3, 2), program, 2, stages)
    index = next(i for i, item in enumerate(good.items) if item.stage == 2)
    dropped = changed_item(good, index, after=good.items[index].after[:1])
    refused(program, dropped, r"F of stage 2 \(from step 1, matmul\) on micro-batch 0 may start before F of stage 1")
