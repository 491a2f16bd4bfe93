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
    c = conv(a, 4)
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


def families(program, layout):
    """Values that share bytes on purpose: views with what they show, concats with what is written in them."""
    of = {i: {i} for i, place in enumerate(layout.places) if place.storage == "arena"}
    for index, step in enumerate(program.steps):
        whole = layout.places[step.outputs[0]]
        for i in step.inputs if step.op == "concat" else step.inputs[:1]:
            is_part = step.op == "concat" and layout.places[i].strides == whole.strides
            if i in of and (is_part or index in layout.views):
                for output in step.outputs:
                    joint = of[i] | of[output]
                    of.update(dict.fromkeys(joint, joint))
    return {min(family): family for family in of.values()}.values()


def addresses(place, value_type):
    dtype, shape = value_type
    at = np.full((), place.offset)
    for size, stride in zip(shape, place.strides, strict=True):
        at = at[..., None] + np.arange(size) * stride * np.dtype(dtype).itemsize
    return at.ravel()


def test_values_that_live_together_lie_apart(program):
    for choice in choices(program):
        plan = arrange(program, choice, 6)
        order = order_of_steps(plan, len(program.steps))
        types = program.types(plan.micro_batches[0].samples)
        layout = lay_out(program, types, order, is_cut=len(plan.micro_batches) > 1)
        producers, readers = program.producers(), program.readers()
        found = []
        for family in families(program, layout):
            taken = np.concatenate([addresses(layout.places[i], types[i]) for i in family])
            assert taken.min() >= 0
            assert taken.min() % 64 == 0
            assert taken.max() < layout.bytes
            touches = {step for i in family for step in (producers[i], *readers.get(i, []))}
            before = set.intersection(*({s for s in range(len(order)) if order[producers[i]] >> s & 1} for i in family))
            found.append((taken.min(), taken.max(), touches, before))
        assert len(found) > 2
        for number, (begin, end, touches, before) in enumerate(found):
            for other_begin, other_end, other_touches, other_before in found[:number]:
                apart = end < other_begin or other_end < begin
                assert apart or touches <= other_before or other_touches <= before, choice


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
    # One flatten is a result of its own; the other one is of a part of the concat.
    assert sorted(program.steps[i].op for i in layout.views) == ["concat", "flatten", "reshape"]


def in_place(f, x, **options):
    """The numbers of the steps with nothing to do, and the bytes of the arena."""
    program = st.trace(f, x)
    types = program.types(x.shape[0])
    layout = lay_out(program, types, [(1 << i) - 1 for i in range(len(program.steps))], **{"is_cut": False, **options})
    results, expected = st.plan(program, x, schedule="serial", workers=1)(x), f(x)
    for result, same in zip(*((y if isinstance(y, tuple) else (y,)) for y in (results, expected)), strict=True):
        assert result.tobytes() == same.tobytes()
    return sorted(layout.views), layout.bytes


def test_a_concat_has_nothing_to_do_where_its_inputs_can_be_written_in_it():
    x = np.random.default_rng(0).normal(size=(4, 3, 16)).astype("f4")
    for axis in (0, 1, 2, -1):
        views, size = in_place(lambda x, axis=axis: st.exp(st.concat([st.relu(x), st.tanh(x)], axis=axis)), x)
        assert (views, size) == ([2], 2 * x.nbytes)
    # Results are written in place too, but for those that micro-batches cut along another axis.
    assert in_place(lambda x: st.concat([st.relu(x), st.tanh(x)], axis=1), x) == ([2], 0)
    swapped = np.ascontiguousarray(x.transpose(1, 0, 2))
    program = st.trace(lambda x: st.concat([st.relu(x), st.tanh(x)], axis=0), swapped, batch_axes=[1])
    for is_cut in (False, True):
        layout = lay_out(program, program.types(4), [0, 1, 3], is_cut=is_cut)
        assert (not layout.views) == is_cut


def test_what_a_concat_has_to_copy():
    x = np.random.default_rng(0).normal(size=(4, 64)).astype("f4")
    assert in_place(lambda x: st.exp(st.concat([y := st.relu(x), y], axis=1)), x)[0] == []  # the second one
    assert in_place(lambda x: st.exp(st.concat([x, st.relu(x)], axis=1)), x)[0] == []  # the input

    def of_a_view(x):
        return st.exp(st.concat([st.reshape(st.relu(x), (x.shape[0], 64)), st.tanh(x)], axis=1))

    assert in_place(of_a_view, x)[0] == [1]
    program = st.trace(lambda x, y: st.exp(st.concat([st.relu(x), st.relu(y)], axis=1)), x, x.astype("f8"))
    layout = lay_out(program, program.types(4), [0, 1, 3, 7], is_cut=False)
    assert not layout.views
    assert layout.places[program.steps[0].outputs[0]].strides == (64, 1)  # of float32, which the result is not
    given = (x, x.astype("f8"))
    positive = np.maximum(np.concatenate(given, axis=1), 0)
    assert st.plan(program, given, schedule="serial", workers=1)(*given).tobytes() == st.exp(positive).tobytes()


def test_a_concat_copies_where_that_is_cheaper():
    def drawn(*shape):
        return np.random.default_rng(0).normal(size=shape).astype("f4")

    def reread(times):
        return lambda x: st.exp(st.concat([y := st.relu(x), *(st.tanh(y) for _ in range(times))], axis=1))

    assert in_place(lambda x: st.exp(st.concat([x, x, st.relu(x)], axis=1)), drawn(4, 64))[1] == (3 + 1) * 4 * 64 * 4
    assert in_place(lambda x: st.exp(st.concat([x, st.relu(x)], axis=1)), drawn(4, 64))[1] == 2 * 4 * 64 * 4
    for columns, times, is_in_place in ((256, 2, True), (255, 2, False), (255, 1, True), (16, 1, True), (15, 1, False)):
        views, _ = in_place(reread(times), drawn(4, columns))
        assert (views == [1 + times]) == is_in_place, (columns, times)

    def flattened(x):
        z = st.sum(st.flatten(y := st.relu(x)), axis=1, keepdims=True)
        return st.exp(st.concat([y, st.tanh(y)], axis=2)), z

    assert in_place(flattened, drawn(4, 8, 256))[0] == [1]
    for columns, expected in ((15, []), (16, [2])):
        views, _ = in_place(lambda x: st.exp(st.concat([st.relu(x), st.tanh(x)], axis=1)), drawn(4, columns))
        assert views == expected


def test_the_lists_of_a_dense_network_lie_in_the_last_one():
    w = np.random.default_rng(1).normal(size=(500, 64)).astype("f4")

    def dense(x):
        layers = [st.relu(x)]
        for _ in range(4):
            joined = st.concat(layers, axis=1)
            layers.append(st.matmul(joined, w[: joined.shape[1]], activation="tanh"))
        return st.exp(st.concat(layers, axis=1))

    x = np.random.default_rng(0).normal(size=(3, 64)).astype("f4")
    program = st.trace(dense, x)
    views, _ = in_place(dense, x)
    assert [program.steps[i].op for i in views] == ["concat"] * 5


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
