"""Tensor parallelism: which steps are made in parts, and that the parts are the whole."""

import numpy as np
import pytest
import stretto as st
from stretto.runner import Runner
from stretto.schedule.candidate import Wanted
from stretto.schedule.candidates import candidates
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine, Rates
from stretto.schedule.plan import Choice
from stretto.schedule.tensor import channels_of, split

RNG = np.random.default_rng(0)


def weight(*shape):
    return RNG.normal(size=shape).astype("f4")


W, V = weight(8, 37), weight(37)
K = {rank: weight(37, 3, *(2,) * rank) for rank in (1, 2, 3)}
ONE, LAST, STACK, ROW = weight(37, 37, 1, 1), weight(37, 37, 3, 3), weight(3, 8, 37), weight(1, 37)
CASES = {
    "matmul": ((5, 8), lambda x: st.matmul(x, W, bias=V, activation="gelu")),
    "matmul and a residual": ((5, 8), lambda x: st.matmul(x, W, residual=ROW)),
    "matmul and one bias": ((5, 8), lambda x: st.matmul(x, W, bias=V[:1])),
    "stacks": ((5, 3, 4, 8), lambda x: st.matmul(x, STACK)),
    "conv1d": ((5, 3, 17), lambda x: st.conv1d(x, K[1], dilation=2)),
    "conv2d": ((5, 3, 7, 7), lambda x: st.conv2d(x, K[2], bias=V, stride=2)),
    "conv3d": ((5, 3, 4, 4, 4), lambda x: st.conv3d(x, K[3])),
    "conv2d and a residual": ((5, 37, 7, 7), lambda x: st.conv2d(x, ONE, residual=x)),
    "NHWC": (
        (5, 7, 7, 37),
        lambda x: st.conv2d(x, LAST, bias=V, residual=x, padding=1, layout="NHWC", activation="relu"),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("workers", [2, 3, 5])
def test_the_parts_are_the_whole(name, workers):
    shape, f = CASES[name]
    x = RNG.normal(size=shape).astype("f4")

    def network(x):
        y = f(x)
        return st.relu(y), y  # one value in an arena or the result, one read by a further step

    program = st.trace(network, x)
    model = CostModel(program, Machine(cores=workers))
    assert channels_of(program, model.types(5), 0, 5) == 37
    stages, placement = split(model, 5, workers, 1, force=True)
    assert [stage.part for stage in stages[:workers]] == [(k, workers) for k in range(workers)]
    with Runner(program, Choice("tensor", workers, stages=stages, placement=placement)) as runner:
        for result, expected in zip(runner(x), network(x), strict=True):
            assert result.tobytes() == expected.tobytes()
        assert all(a.tobytes() == b.tobytes() for a, b in zip(runner(x[:2]), network(x[:2]), strict=True))


def test_what_has_no_parts():
    x = np.zeros((4, 8, 6, 6), "f4")
    for f in (
        lambda x: st.relu(x),
        lambda x: st.conv2d(x, weight(8, 1, 3, 3), groups=8),
        lambda x: st.max_pool2d(x, 2),
        lambda x: st.matmul(x, weight(6)),
    ):
        program = st.trace(f, x)
        assert channels_of(program, program.types(4), 0, 4) == 0


def test_only_big_steps_are_split():
    program = st.trace(st.Sequential(st.Linear(16, 512), st.Linear(512, 16), st.Softmax(1)), np.zeros((64, 16), "f4"))
    rates = Rates(flops=1e9, hand_off=1e-6)
    stages, placement = split(CostModel(program, Machine(cores=2), rates), 64, 2, 1)
    assert [(stage.steps, stage.part) for stage in stages] == [((0,), (0, 2)), ((0,), (1, 2)), ((1, 2), (0, 1))]
    assert placement == ((0, 2), (1,))
    dear = Rates(flops=1e9, hand_off=1.0)
    stages, placement = split(CostModel(program, Machine(cores=2), dear), 64, 2, 1)
    assert placement == ((0,),)


def test_few_channels_are_shared_out_too():
    """Parts of 16 channels fill vectors of channels; parts of 8 those of positions: both are candidates."""
    narrow, wide = weight(16, 16, 3, 3), weight(64, 16, 3, 3)
    f = lambda x: st.conv2d(st.conv2d(x, narrow, padding=1), wide, padding=1)  # noqa: E731
    program = st.trace(f, np.zeros((1, 16, 64, 64), "f4"))
    model = CostModel(program, Machine(cores=2), Rates())
    tensors = [c for c in candidates(model, 1, Wanted(2)) if c.choice.schedule == "tensor"]
    assert [str(c.choice) for c in tensors] == [
        "tensor (2 workers, 1 step in parts)",
        "tensor (2 workers, 2 steps in parts)",
    ]
    assert all(c.verdict == "" for c in tensors)
    tensors = [c for c in candidates(model, 1, Wanted(8)) if c.choice.schedule == "tensor"]
    assert [str(c.choice) for c in tensors if not c.verdict] == [
        "tensor (2 workers, 1 step in parts)",
        "tensor (2 workers, 2 steps in parts)",
        "tensor (4 workers, 1 step in parts)",
        "tensor (8 workers, 1 step in parts)",
    ]
