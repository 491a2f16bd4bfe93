"""The cost model: a roofline over caches, corrected by measurements."""

from dataclasses import replace

import numpy as np
import pytest
import stretto as st
from stretto.schedule.cost import CostModel, StepWork
from stretto.schedule.machine import Held, Machine, Rates
from stretto.schedule.table import Point, Table, signature

RATES = Rates(flops=1e10, l2=4e10, l3=2e10, memory=1e10, memory_all=2e10, call=0.0, fork=1e-6)
MACHINE = Machine(cores=8, l2=1 << 20, l3=16 << 20)


@pytest.fixture(scope="module")
def dense():
    return st.trace(st.Linear(512, 512, bias=False), np.zeros((4, 512), "f4"))


def test_arithmetic_or_bytes_whichever_takes_longer(dense):
    model = CostModel(dense, MACHINE, RATES)
    flops, weights = 2 * 512 * 512, 4 * 512 * 512
    assert model.step(0, 1000) == pytest.approx(1000 * flops / 1e10)
    one = model.step(0, 1, held=Held("memory", "l2"))
    assert one == pytest.approx(weights / 1e10 + 4 * 1024 / 4e10)


def test_where_the_weights_are(dense):
    model = CostModel(dense, MACHINE, RATES)
    assert model.held([0], 1).weights == "l3"  # 1 MiB of weights in a cache of 1 MiB
    assert model.held([0], 1, threads=2).weights == "l2"
    assert model.held([0], 1, 2, shares=2).weights == "l2"
    assert model.held([0] * 16, 1).weights == "memory"
    assert model.held([0] * 8, 1, 2).weights == "memory"  # two workers with other weights each
    assert model.held([0] * 8, 1, 2, shared=True).weights == "l3"  # that two workers share
    assert model.held([0], 1 << 14).activations == "memory"


def test_numa_nodes_are_used_when_there_are_workers_for_them(dense):
    model = CostModel(dense, replace(MACHINE, nodes=2), RATES)
    assert not model.held([0], 1, 4, shared=True).is_remote
    assert model.held([0], 1, 8, shared=True).is_remote
    near, far = (Held("memory", "l2", 4, is_remote) for is_remote in (False, True))
    assert model.step(0, 1, held=far) > 1.5 * model.step(0, 1, held=near)


def test_bandwidth_of_memory_is_shared(dense):
    model = CostModel(dense, MACHINE, RATES)
    one, two, four = (model.step(0, 1, held=Held("memory", "l2", workers)) for workers in (1, 2, 4))
    assert one == two  # two cores have what they can take
    assert four == pytest.approx(2 * one, rel=0.01)


def test_cores_that_are_threads_of_one(dense):
    model = CostModel(dense, MACHINE, replace(RATES, together=0.5))
    one, some, all_, more = (model.step(0, 1000, held=Held("l2", "l2", workers)) for workers in (1, 4, 8, 9))
    assert all_ == more == pytest.approx(2 * one)
    assert some == pytest.approx(one / (1 - 0.5 * 3 / 7))
    assert model.limit(StepWork(1e8, 0.0, 4e8), 1, Held("l2", "l2", 1)) == "arithmetic"
    assert model.limit(StepWork(1e8, 0.0, 3e8), 1, Held("l2", "l2", 8)) == "arithmetic"
    two_nodes = CostModel(dense, replace(MACHINE, nodes=2), replace(RATES, together=0.5))
    assert two_nodes.step(0, 1000, held=two_nodes.held([0], 1000, 8)) == pytest.approx(2 * one)
    model.table.add(model.signatures[0], 1, Point(1000, 1.0, Held()))
    assert model.step(0, 1000, held=Held("l2", "l2", 8)) == pytest.approx(2.0)


def test_threads_cost_a_fork_and_small_steps_stay_on_one(dense):
    model = CostModel(dense, MACHINE, RATES)
    assert model.step(0, 1000, threads=4) == pytest.approx(model.step(0, 1000) / 4 + 1e-6)
    tiny = CostModel(dense, MACHINE, replace(RATES, flops=1e14, l2=1e14, l3=1e14))
    assert tiny.step(0, 1, threads=4) == tiny.step(0, 1)


def test_parts_of_the_channels(dense):
    model = CostModel(dense, MACHINE, RATES)
    assert model.step(0, 1000, shares=4) == pytest.approx(model.step(0, 1000) / 4)


def table_of(program, *points, threads=1):
    table = Table()
    for samples, seconds, held in points:
        table.add(signature(program, 0), threads, Point(samples, seconds, held))
    return table


def test_between_measured_micro_batches_on_a_line(dense):
    held = Held("l2", "l2")
    model = CostModel(dense, MACHINE, RATES, table_of(dense, (10, 1.0, held), (20, 3.0, held)))
    assert model.step(0, 10, held=held) == 1.0
    assert model.step(0, 15, held=held) == 2.0
    assert model.step(0, 40, held=held) == pytest.approx(6.0)  # in the model's proportion


def test_another_place_by_the_ratio_of_the_models(dense):
    there, here = Held("l3", "l2"), Held("l2", "l2")
    rates = replace(RATES, flops=1e12)
    model = CostModel(dense, MACHINE, rates, table_of(dense, (1, 1.0, there)))
    plain = CostModel(dense, MACHINE, rates)
    ratio = plain.step(0, 1, held=here) / plain.step(0, 1, held=there)
    assert model.step(0, 1, held=here) == pytest.approx(ratio)
    assert ratio < 0.6


def test_threads_that_were_not_measured(dense):
    held = Held("l2", "l2")
    model = CostModel(dense, MACHINE, RATES, table_of(dense, (1000, 1.0, held)))
    assert model.step(0, 1000, threads=4, held=held) == pytest.approx(0.25, rel=0.01)
    both = table_of(dense, (1000, 1.0, held))
    both.add(signature(dense, 0), 4, Point(1000, 0.5, held))
    assert CostModel(dense, MACHINE, RATES, both).step(0, 1000, threads=4, held=held) == 0.5


def test_views_cost_nothing():
    program = st.trace(lambda x: st.relu(st.flatten(x)), np.zeros((4, 2, 3), "f4"))
    model = CostModel(program, MACHINE, RATES)
    assert model.step(0, 100) == 0.0
    assert model.step(1, 100) > 0.0


def test_a_table_is_data(dense):
    table = table_of(dense, (10, 1.0, Held("l3", "memory", 2, True)), (20, 3.0, Held()))
    again = Table.from_data(table.as_data())
    assert again.as_data() == table.as_data()
    assert len(again) == 2
    table.add(signature(dense, 0), 1, Point(20, 4.0, Held()))
    assert [p.seconds for p in table.points(signature(dense, 0), 1)] == [1.0, 4.0]


def test_signatures_tell_what_is_computed():
    x = np.zeros((4, 8), "f4")
    w = np.ones((8, 8), "f4")

    def of(f):
        return signature(st.trace(f, x), 0)

    assert of(lambda x: st.matmul(x, w)) == of(lambda x: st.matmul(x, w + 1))
    assert of(lambda x: st.matmul(x, w)) != of(lambda x: st.matmul(x, w, activation="relu"))
    assert of(lambda x: st.matmul(x, w)) != of(lambda x: st.matmul(x, w[:, :4].copy()))
    larger = st.trace(lambda x: st.matmul(x, w), np.zeros((9, 8), "f4"))
    assert signature(larger, 0) == of(lambda x: st.matmul(x, w))  # for any number of samples
