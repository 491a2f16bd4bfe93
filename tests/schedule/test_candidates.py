"""What is considered, as literals."""

import itertools

import numpy as np
import pytest
import stretto as st
from stretto.schedule.candidate import Wanted
from stretto.schedule.candidates import SCHEDULES, candidates
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine, Rates
from stretto.schedule.plan import Choice


def model_of(program, cores, **options):
    return CostModel(program, Machine(cores, **options), Rates(flops=1e9))


@pytest.fixture(scope="module")
def chain():
    return st.trace(st.Sequential(*(st.Linear(64, 64) for _ in range(4))), np.zeros((64, 64), "f4"))


def found(program, samples, cores, **wanted):
    return candidates(model_of(program, cores), samples, Wanted(cores, **wanted))


def names(considered):
    return [str(c.choice) for c in considered if not c.verdict]


def verdicts(considered):
    return {c.choice.schedule: c.verdict for c in considered if c.verdict}


def test_a_chain_on_two_cores(chain):
    considered = found(chain, 64, 2)
    assert names(considered) == [
        "serial",
        "intra (2 threads)",
        "data (2 workers)",
        "tensor (2 workers, 4 steps in parts)",
        "pipeline (2 workers, micro-batch 1)",
        "pipeline (2 workers, micro-batch 2)",
        "pipeline (2 workers, micro-batch 4)",
    ]
    assert verdicts(considered) == {
        "depth_first": "one slice: the same as serial",
        "streams": "fewer than four threads to share out",
        "task": "no two of its branches are independent",
        "replicated": "the best pipeline of these replicates no stage",
        "hybrid": "fewer than four threads to share out",
    }


def test_one_core(chain):
    assert names(found(chain, 64, 1)) == ["serial"]


def test_eight_cores(chain):
    considered = names(found(chain, 64, 8))
    for name in (
        "data (2 workers)",
        "data (8 workers)",
        "streams (4 workers, 2 threads)",
        "streams (2 workers, 4 threads)",
        "pipeline (4 workers, micro-batch 1)",
        "hybrid (2 workers, 4 threads, micro-batch 1)",
        "hybrid (4 workers, 2 threads, micro-batch 1)",
    ):
        assert name in considered


def test_slices_that_fit_the_cache():
    conv = st.trace(st.Conv2d(8, 8, 3, padding=1), np.zeros((64, 8, 32, 32), "f4"))
    model = model_of(conv, 1, l2=1 << 20)
    sizes = [c.choice.micro_batch for c in candidates(model, 64, Wanted(1, "depth_first"))]
    assert sizes == [4, 8, 16]  # 64 KiB a sample: eight of them are half of the cache


def test_stages_follow_the_times():
    widths = [320, 64, 64, 64, 192]
    net = st.Sequential(*(st.Linear(a, b) for a, b in itertools.pairwise(widths)))
    program = st.trace(net, np.zeros((8, 320), "f4"))
    (only,) = found(program, 8, 2, schedule="pipeline", micro_batch=2)
    assert [stage.steps for stage in only.choice.stages] == [(0,), (1, 2, 3)]


def test_micro_batches_follow_the_formula():
    program = st.trace(st.Sequential(*(st.Linear(64, 64) for _ in range(4))), np.zeros((1024, 64), "f4"))
    rates = Rates(flops=1e9, call=0.0, item=1e-4, hand_off=1e-4)
    model = CostModel(program, Machine(4), rates)
    sizes = sorted({c.choice.micro_batch for c in candidates(model, 1024, Wanted(4, "pipeline"))})
    slowest = 1024 * 2 * 64 * 64 / 1e9  # seconds of one of four equal stages
    best = round(1024 / (3 * slowest / 2e-4) ** 0.5)
    assert sizes == [best // 2, best, 2 * best]


def test_a_slow_stage_is_replicated():
    net = st.Sequential(st.Linear(64, 64), st.Linear(64, 512), st.Linear(512, 64))
    program = st.trace(net, np.zeros((64, 64), "f4"))
    replicas = {c.choice.replicas for c in found(program, 64, 4) if c.choice.schedule == "replicated" and not c.verdict}
    assert replicas
    assert all(sum(counts) <= 4 and max(counts) > 1 for counts in replicas)


def test_a_forced_schedule_runs_whatever_it_costs(chain):
    for schedule in SCHEDULES:
        considered = found(chain, 64, 4, schedule=schedule)
        assert all(c.choice.schedule == schedule for c in considered)
        if schedule != "task":
            assert not any(c.verdict for c in considered), schedule
    for schedule in SCHEDULES:
        if schedule != "task":
            assert not any(c.verdict for c in found(chain, 64, 1, schedule=schedule)), schedule


def test_a_mixing_program_is_not_cut():
    mixing = st.trace(lambda x: st.matmul(st.transpose(x, (1, 0)), x), np.zeros((4, 3), "f4"))
    said = verdicts(found(mixing, 4, 4))
    for schedule in ("depth_first", "data", "streams", "pipeline", "replicated", "hybrid"):
        assert said[schedule] == "step 1 (matmul) mixes samples"
    assert names(found(mixing, 4, 4))[:2] == ["serial", "intra (2 threads)"]


def test_gpus():
    program = st.trace(st.Sequential(*(st.Linear(64, 64) for _ in range(4))), np.zeros((64, 64), "f4"))
    model = CostModel(program, Machine(2, gpus=2))
    devices = [c.choice for c in candidates(model, 64, Wanted(2)) if c.choice.devices]
    assert devices[0] == Choice("serial", devices=("gpu:0",))
    assert devices[1] == Choice("data", 2, devices=("gpu:0", "gpu:1"))
    assert devices[2].schedule == "pipeline"
    small = CostModel(program, Machine(2, gpus=1, gpu_memory=1000))
    (too_big,) = [c for c in candidates(small, 64, Wanted(2)) if c.choice.devices]
    assert too_big.verdict == "its weights take 6.66e+04 bytes; one GPU has room for 900"
