"""No two values that live at once overlap: every pair is compared, for every schedule."""

import numpy as np
import pytest
import stretto as st
from stretto.schedule import branches
from stretto.schedule.arrange import arrange
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine
from stretto.schedule.memory import lay_out, order_of_steps, size_in_bytes
from stretto.schedule.pipelines import stages_ending
from stretto.schedule.plan import Choice
from stretto.schedule.tensor import split

RNG = np.random.default_rng(0)


def network(x):
    def conv(x, channels):
        w = RNG.normal(size=(channels, x.shape[1], 3, 3)).astype("f4")
        return st.conv2d(x, w, padding=1, activation="relu")

    a = conv(x, 4)
    b = conv(conv(a, 8), 4)
    c = conv(a, 6)
    d = st.concat([b, c], axis=1)
    e = conv(d, 4)
    f = st.reshape(e, (x.shape[0], -1))
    g = st.matmul(f, np.ones((f.shape[1], 10), "f4"))
    h = st.matmul(st.flatten(b), np.ones((f.shape[1], 10), "f4"), residual=g)
    return g, st.flatten(e), h


@pytest.fixture(scope="module")
def program():
    return st.trace(network, np.zeros((6, 3, 5, 5), "f4"))


def choices(program):
    count = len(program.steps)
    times = [1.0] * count
    chains = branches.chains(program)
    for workers in (2, 3):
        ends = [count * (k + 1) // workers for k in range(workers)]
        yield Choice("pipeline", workers, 1, 2, stages_ending(program, ends))
        yield Choice("replicated", workers + 2, 1, 1, stages_ending(program, ends), (), (1, 3, *(1,) * (workers - 2)))
        stages, parts = split(CostModel(program, Machine(workers)), 6, workers, 1, force=True)
        yield Choice("tensor", workers, 1, None, stages, parts)
        placement = branches.place(program, chains, times, workers, 0.0)
        yield Choice("task", len(placement), 1, None, chains, placement)
        yield Choice("data", workers)
    yield Choice("serial")
    yield Choice("serial", micro_batch=4)


def test_values_that_live_together_lie_apart(program):
    for choice in choices(program):
        plan = arrange(program, choice, 6)
        order = order_of_steps(plan, len(program.steps))
        samples = plan.micro_batches[0].samples
        types = program.types(samples)
        layout = lay_out(program, types, order, is_cut=len(plan.micro_batches) > 1)
        producers, readers = program.producers(), program.readers()

        def touches(value, layout=layout, producers=producers, readers=readers):
            """Steps that need the bytes: writer, readers, and those of every view of it."""
            steps = {producers[value], *readers.get(value, [])}
            for step in readers.get(value, []):
                if step in layout.views:
                    for output in program.steps[step].outputs:
                        steps |= touches(output)
            return steps

        arena = [i for i in producers if layout.places[i].storage == "arena" and not layout.places[i].is_view]
        assert len(arena) > 3
        for a in arena:
            begin = layout.places[a].offset
            end = begin + size_in_bytes(types[a])
            assert begin >= 0
            assert begin % 64 == 0
            assert end <= layout.bytes
            for b in arena:
                a_first = all(order[producers[b]] >> step & 1 for step in touches(a))
                b_first = all(order[producers[a]] >> step & 1 for step in touches(b))
                if a == b or a_first or b_first:
                    continue
                other = layout.places[b].offset
                assert end <= other or other + size_in_bytes(types[b]) <= begin, (choice, a, b)


def test_sharing_saves_memory(program):
    types = program.types(6)
    plan = arrange(program, Choice("serial"), 6)
    layout = lay_out(program, types, order_of_steps(plan, len(program.steps)), is_cut=False)
    total = sum(size_in_bytes(types[i]) for i, p in enumerate(layout.places) if p.storage == "arena" and not p.is_view)
    assert layout.bytes < total


def test_views_and_results(program):
    types = program.types(6)
    plan = arrange(program, Choice("serial"), 6)
    layout = lay_out(program, types, order_of_steps(plan, len(program.steps)), is_cut=False)
    for k, value in enumerate(program.outputs):
        assert (layout.places[value].storage, layout.places[value].index) == ("output", k)
    # The reshape and one flatten are views; the other flatten is a result of its own.
    assert sorted(program.steps[i].op for i in layout.views) == ["flatten", "reshape"]


def test_order_of_a_pipeline_and_of_branches(program):
    times = [1.0] * len(program.steps)
    count = len(program.steps)
    plan = arrange(program, Choice("serial"), 6)
    assert order_of_steps(plan, count) == [(1 << i) - 1 for i in range(count)]
    chains = branches.chains(program)
    placement = branches.place(program, chains, times, 2, 0.0)
    plan = arrange(program, Choice("task", 2, 1, None, chains, placement), 6)
    order = order_of_steps(plan, count)
    ops = [step.op for step in program.steps]
    last = len(ops) - 1
    assert order[0] == 0
    # Steps 1 and 3 are branches of step 0: neither is sure to come before the other.
    assert order[1] & 1
    assert order[3] & 1
    assert not order[3] >> 1 & 1 or not order[1] >> 3 & 1
    assert order[last] >> 0 & 1
