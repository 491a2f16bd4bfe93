"""Plans for tests: a chain of steps under any order, and its times."""

import functools

import numpy as np
import stretto as st
from stretto.schedule.check import check
from stretto.schedule.items import items_of
from stretto.schedule.plan import MicroBatch, Plan, Stage
from stretto.schedule.simulate import simulate


@functools.cache
def chain(steps):
    """A program of so many steps, each reading the one before."""

    def f(x):
        for _ in range(steps):
            x = st.relu(x)
        return x

    return st.trace(f, np.zeros((4, 2), "f4"))


def plan_of(order, program, micro_batches, stages=None, slots=None):
    """The checked plan of an order, a micro-batch a sample; a stage is a step, and slots abound, unless given."""
    stages = stages or tuple(Stage(step.op, (index,)) for index, step in enumerate(program.steps))
    slots = slots or micro_batches
    batches = tuple(MicroBatch(index, 1, index % slots) for index in range(micro_batches))
    items, workers = items_of(program, stages, batches, list(order))
    plan = Plan("by hand", micro_batches, stages, batches, items, workers, slots)
    check(program, plan)
    return plan


def timeline_of(plan, times, **options):
    """The plan simulated with the times of the phases, alike for all stages, or a list of times of the stages."""
    if isinstance(times, dict):
        return simulate(plan, [[times[item.phase]] for item in plan.items], **options)
    return simulate(plan, [[times[item.stage]] for item in plan.items], **options)
