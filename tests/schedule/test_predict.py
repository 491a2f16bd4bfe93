"""Predictions of whole plans."""

import numpy as np
import pytest
import stretto as st
from stretto.schedule import branches
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine, Rates
from stretto.schedule.pipelines import stages_ending
from stretto.schedule.plan import Choice
from stretto.schedule.predict import predict

STEP = 64 * 2 * 64 * 64 / 1e9  # seconds of a layer on the whole batch
RATES = Rates(flops=1e9, call=0.0, item=0.0, run=0.0, hand_off=0.0, wake=0.0, l3=1e30)


@pytest.fixture(scope="module")
def chain():
    return st.trace(st.Sequential(*(st.Linear(64, 64, bias=False) for _ in range(4))), np.zeros((64, 64), "f4"))


def predicted(program, choice, **rates):
    return predict(CostModel(program, Machine(cores=8), Rates(**{**RATES_AS_DICT, **rates})), choice, 64)


RATES_AS_DICT = {name: getattr(RATES, name) for name in RATES.__slots__}


def test_serial_is_the_sum(chain):
    p = predicted(chain, Choice("serial"), call=1.0, run=0.5, item=0.25)
    assert p.seconds == pytest.approx(4 * STEP + 4 + 0.5 + 0.25)
    assert p.loads == pytest.approx((4 * STEP + 4 + 0.25,))
    assert p.bubble == 0.0
    assert predicted(chain, Choice("serial")).limit == "arithmetic"
    assert predicted(chain, Choice("serial"), call=1.0).limit == "calls"


def test_data_is_the_largest_share(chain):
    p = predicted(chain, Choice("data", 3), wake=1.0)
    assert p.seconds == pytest.approx(1.0 + 4 * STEP * 21 / 64)  # worker 0 has 22 samples, but need not wake
    assert p.period == pytest.approx(4 * STEP / 3)  # in a stream each worker takes whole batches


def test_a_pipeline_is_the_sum_and_the_slowest_for_each_further_micro_batch(chain):
    p = predicted(chain, Choice("pipeline", 2, 1, 16, stages_ending(chain, [1, 4])))
    first, second = STEP / 4, 3 * STEP / 4  # of a micro-batch
    assert p.seconds == pytest.approx(first + second + 3 * second)
    assert p.period == pytest.approx(4 * second)
    assert p.bubble == pytest.approx(1 - 4 * (first + second) / (2 * p.seconds))
    assert p.limit == "worker 1 has 75% of the work"


def test_hand_offs_and_what_is_handed_over_cost(chain):
    choice = Choice("pipeline", 2, 1, 64, stages_ending(chain, [2, 4]))
    p = predicted(chain, choice, hand_off=1.0, l3=1e5)
    assert p.seconds == pytest.approx(4 * STEP + 1.0 + 64 * 64 * 4 / 1e5)


def test_branches_take_the_critical_path():
    w = [np.ones((64, 64), "f4") for _ in range(3)]
    program = st.trace(
        lambda x: st.add(st.matmul(st.matmul(x, w[0]), w[1]), st.matmul(x, w[2])), np.zeros((64, 64), "f4")
    )
    stages = branches.chains(program)
    model = CostModel(program, Machine(cores=2), RATES)
    placement = branches.place(program, stages, [STEP] * 3 + [0.0], 2, 0.0)
    p = predict(model, Choice("task", 2, stages=stages, placement=placement), 64)
    assert p.seconds == pytest.approx(2 * STEP, rel=0.05)


def test_weights_that_fit_when_they_are_dealt_out():
    layers = [st.Linear(480, 480, bias=False) for _ in range(8)]  # 7.4 MB in all
    program = st.trace(st.Sequential(*layers), np.zeros((8, 480), "f4"))
    model = CostModel(program, Machine(cores=8, l2=2 << 20, l3=64 << 20), Rates(l2=8e10, l3=1e10))
    data = predict(model, Choice("data", 8), 8)
    stages = stages_ending(program, range(1, 9))
    pipeline = predict(model, Choice("pipeline", 8, 1, 1, stages), 8)
    assert pipeline.period < 0.5 * 8 * data.period


def test_the_timeline_is_a_prediction(chain):
    timeline = predicted(chain, Choice("pipeline", 2, 1, 16, stages_ending(chain, [2, 4]))).timeline
    assert timeline.kind == "predicted"
    assert len(timeline.spans) == 4 * 4
    assert timeline.workers == 2
