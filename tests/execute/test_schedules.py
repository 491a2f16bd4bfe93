"""The promise: every schedule gives the bits of serial, on one sample at a time."""

import os
import subprocess
import sys

import numpy as np
import pytest
import stretto as st
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from stretto import _core
from stretto.runner import Runner
from stretto.schedule.candidate import Wanted
from stretto.schedule.candidates import SCHEDULES, candidates
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine

from tests.execute.networks import BLOCKS, network


def bits(array):
    return array.tobytes()


def one_at_a_time(program, x):
    runner = st.plan(program, x[:1], schedule="serial", workers=1)
    return np.concatenate([runner(x[i : i + 1]) for i in range(len(x))])


DRAWN = {
    "blocks": BLOCKS,
    "seed": some.integers(0, 99),
    "samples": some.integers(1, 9),
    "workers": some.integers(1, 8),
    "micro_batch": some.none() | some.integers(1, 9),
    "threads": some.none() | some.integers(1, 3),
}


def same_bits_under_every_schedule(blocks, seed, samples, workers, micro_batch, threads):
    """The result, and how many plans gave it."""
    x = np.random.default_rng(seed).normal(size=(samples, 2, 6, 6)).astype("f4")
    f = network(blocks, seed)
    program = st.trace(f, x)
    expected = one_at_a_time(program, x)
    assert bits(f(x)) == bits(expected)
    model = CostModel(program, Machine(cores=workers))
    plans = 0
    for schedule in SCHEDULES:
        size = None if schedule in ("task", "tensor") else micro_batch
        for candidate in candidates(model, samples, Wanted(workers, schedule, size, threads)):
            if candidate.verdict:
                assert schedule in ("task", "tensor"), candidate  # no branches, no channels
                continue
            plans += 1
            with Runner(program, candidate.choice) as runner:
                assert bits(runner(x)) == bits(expected), candidate.choice
                some_samples = samples // 2 + 1
                assert bits(runner(x[:some_samples])) == bits(expected[:some_samples]), candidate.choice
                assert runner(x[:0]).shape == (0, 7)
                streamed = list(runner.stream([x, x[:some_samples], x]))
                assert [bits(y) for y in streamed] == [bits(expected[:n]) for n in (samples, some_samples, samples)]
    return expected, plans


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**DRAWN)
def test_the_same_bits_whatever_the_schedule(**drawn):
    same_bits_under_every_schedule(**drawn)


LONG_RUN = """
import hashlib, sys
from hypothesis import HealthCheck, given, settings
from tests.execute.test_schedules import DRAWN, same_bits_under_every_schedule

digest, plans = hashlib.sha256(), 0

@settings(max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(**DRAWN)
def run(**drawn):
    global plans
    result, count = same_bits_under_every_schedule(**drawn)
    digest.update(result.tobytes())
    plans += count

run()
print(plans, digest.hexdigest())
"""


@pytest.mark.slow
def test_thousands_of_plans_on_every_instruction_set():
    machine = _core.machine()
    results = {}
    for isa in machine["isa_found"]:
        done = subprocess.run(
            [sys.executable, "-c", LONG_RUN],
            env=os.environ | {"STRETTO_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
            timeout=3600,
        )
        plans, results[isa] = done.stdout.split()
        print(f"{isa}: {plans} plans")
        assert int(plans) >= 2000
    assert len(set(results.values())) == 1


def test_the_chosen_plan_and_every_batch_size():
    f = network([("conv", 0, 3), ("pointwise", 1, 2), ("residual", 0, 1)], 3)
    x = np.random.default_rng(1).normal(size=(12, 2, 6, 6)).astype("f4")
    with st.plan(f, x, workers=2, calibrate=0.05) as plan:
        for samples in (12, 1, 5, 13):
            batch = np.resize(x, (samples, 2, 6, 6))
            assert bits(plan(batch)) == bits(f(batch))


def test_inputs_of_any_layout():
    f = network([("conv", 0, 3)], 3)
    x = np.random.default_rng(1).normal(size=(6, 2, 6, 6)).astype("f4")
    flat = st.trace(lambda x: (st.flatten(x), f(x), x), x)
    for schedule in ("serial", "data", "pipeline"):
        with st.plan(flat, x, schedule=schedule, workers=2, calibrate=0.0) as plan:
            for view in (x, np.asfortranarray(x), x[::-1], x.transpose(0, 1, 3, 2)):
                a, b, c = plan(view)
                assert bits(a) == bits(np.ascontiguousarray(view).reshape(6, -1))
                assert bits(b) == bits(f(view))
                assert bits(c) == bits(np.ascontiguousarray(view))
                assert c is not view


def test_a_batch_on_another_axis():
    w = np.random.default_rng(0).normal(size=(5, 3)).astype("f4")
    x = np.random.default_rng(1).normal(size=(4, 7, 5)).astype("f4")
    program = st.trace(lambda x: st.matmul(st.matmul(x, w), w.T.copy()), x, batch_axes=(1,))
    expected = st.matmul(st.matmul(x, w), w.T)
    for schedule in ("serial", "data", "pipeline"):
        with st.plan(program, x, schedule=schedule, workers=2, calibrate=0.0) as plan:
            assert bits(plan(x)) == bits(expected)
            assert bits(plan(x[:, :3])) == bits(np.ascontiguousarray(expected[:, :3]))


def test_independent_programs_at_once():
    rng = np.random.default_rng(0)
    f, g = network([("conv", 0, 3)] * 2, 1), network([("conv", 0, 4), ("max", 0, 1)], 2)
    x, y = (rng.normal(size=(n, 2, 6, 6)).astype("f4") for n in (5, 3))
    both = st.trace(lambda x, y: (f(x), g(y)), x, y, batch_axes=(0, None))
    with st.plan(both, (x, y), schedule="task", workers=2, calibrate=0.0) as plan:
        assert len({step for stage in plan.choice.stages for step in stage.steps}) == len(both.steps)
        assert len(plan.choice.placement) == 2
        for _ in range(20):
            a, b = plan(x, y)
            assert bits(a) == bits(f(x))
            assert bits(b) == bits(g(y))


def test_one_result_twice_and_none_in_between():
    w = np.eye(4, dtype="f4")
    x = np.random.default_rng(0).normal(size=(6, 4)).astype("f4")

    def f(x):
        y = st.matmul(x, w)
        return y, st.reshape(y, (x.shape[0], 2, 2)), y

    for schedule in ("serial", "data", "pipeline"):
        with st.plan(f, x, schedule=schedule, workers=2, calibrate=0.0) as plan:
            a, b, c = plan(x)
            assert bits(a) == bits(b) == bits(c) == bits(x)
            assert a is not c


def test_networks_of_every_float():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (np.float64, np.float16, ml_dtypes.bfloat16):
        net = st.Sequential(
            st.Conv2d(2, 4, 3, dtype=dtype, activation="relu"),
            st.MaxPool2d(2),
            st.Flatten(),
            st.Linear(16, 3, dtype=dtype),
        )
        x = np.random.default_rng(0).normal(size=(7, 2, 6, 6)).astype(dtype)
        expected = np.concatenate([net(x[i : i + 1]) for i in range(7)])
        for schedule in ("serial", "intra", "data", "pipeline"):
            with st.plan(net, x, schedule=schedule, workers=3, calibrate=0.0) as plan:
                assert bits(plan(x)) == bits(expected)
