"""Which steps keep their channels last: the cut against all there are, and literal cases."""

import itertools

import numpy as np
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto.rewrite import steps_of_maps
from stretto.schedule.layouts import CROSSING, steps_channels_last

from tests.execute.networks import BLOCKS, network


def mobile_block():
    point = st.Conv2d(4, 16, 1, rng=1)
    depthwise = st.Conv2d(16, 16, 3, padding=1, groups=16, rng=2)
    narrow = st.Conv2d(16, 4, 1, rng=3)
    return st.trace(st.Sequential(point, depthwise, narrow, st.Flatten()), np.ones((2, 4, 8, 8), "f4"))


def test_a_depthwise_convolution_takes_its_neighbours_along():
    program = mobile_block()
    first = [3.0, 5.0, 3.0, 0.1]
    chosen = steps_channels_last(program, first, {0: 3.1, 1: 1.0, 2: 3.1}, lambda value: 1.0)
    assert chosen == {0, 1, 2}  # 7.2, a convolution that reads the other layout for nothing, and a copy


def test_a_gain_that_does_not_pay_for_the_copies_is_left():
    program = mobile_block()
    first = [3.0, 5.0, 3.0, 0.1]
    assert steps_channels_last(program, first, {0: 5.0, 1: 1.0, 2: 5.0}, lambda value: 1.0) == frozenset()


def test_the_way_into_a_convolution_of_all_channels_costs_what_it_takes_now():
    program = mobile_block()
    times = {0: 2.0, 1: 5.0, 2: 2.0}
    assert steps_channels_last(program, [3.0, 5.0, 3.0, 0.1], times, lambda value: 0.01) == {0, 1, 2}
    # Alone it would gain nothing: it reads the other layout as fast as it does now.
    assert steps_channels_last(program, [3.0, 5.0, 3.0, 0.1], {2: 2.0}, lambda value: 0.01) == frozenset()


def seconds_of(program, chosen, first, last, copy):
    """As the docstring says."""
    total = sum(last[i] if i in chosen else seconds for i, seconds in enumerate(first) if i in last)
    writers = program.producers()
    for index, step in enumerate(program.steps):
        for place, value in enumerate(step.inputs):
            if value is None or program.values[value].origin in ("parameter", "constant"):
                continue
            if len(program.values[value].shape) < 3:
                continue
            if (writers.get(value) in chosen) == (index in chosen):
                continue
            dense = step.op == "conv2d" and dict(step.attributes)["groups"] == 1 and place == 0
            if index in chosen and dense:
                total += max(0.0, first[index] - last[index])
            else:
                total += copy(value) * (CROSSING if index in last else 1.0)
    return total + sum(
        copy(v) for v in program.outputs if writers.get(v) in chosen and len(program.values[v].shape) > 2
    )


@settings(max_examples=60, deadline=None)
@given(BLOCKS, some.integers(0, 2**20))
def test_no_cut_is_cheaper(blocks, seed):
    x = np.ones((2, 2, 6, 6), "f4")
    program = st.trace(network(blocks, 3), x)
    rng = np.random.default_rng(seed)
    first = [float(t) for t in rng.integers(1, 9, len(program.steps))]
    maps = sorted(steps_of_maps(program))[:9]
    last = {i: float(rng.integers(1, 9)) for i in maps}
    copies = rng.choice([0.05, 0.3, 1.0], len(program.values))
    copy = lambda value: float(copies[value])  # noqa: E731
    chosen = steps_channels_last(program, first, last, copy)
    all_there_are = itertools.chain.from_iterable(itertools.combinations(maps, n) for n in range(len(maps) + 1))
    least = min(seconds_of(program, set(subset), first, last, copy) for subset in all_there_are)
    assert abs(seconds_of(program, chosen, first, last, copy) - least) < 1e-9
