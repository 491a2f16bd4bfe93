"""Decisions, as literals: by prediction for machines that we do not have, by the medians of what was measured."""

import json

import numpy as np
import pytest
import stretto as st
from stretto.schedule.candidate import Candidate, Wanted
from stretto.schedule.choose import call_seconds, choose, decide, shortlist
from stretto.schedule.cost import CostModel
from stretto.schedule.explain import explain
from stretto.schedule.machine import Machine, Rates
from stretto.schedule.plan import Choice
from stretto.schedule.predict import Prediction
from stretto.timeline import Timeline

MACHINES = {
    "laptop": Machine(cores=2),
    "desktop": Machine(cores=8, l2=2 << 20, l3=64 << 20),
    "small caches": Machine(cores=8, l2=256 << 10, l3=4 << 20),
    "server": Machine(cores=64, l2=2 << 20, l3=128 << 20, nodes=2),
    "large server": Machine(cores=128, l2=1 << 20, l3=256 << 20, nodes=2),
    "one GPU": Machine(cores=16, gpus=1),
    "eight GPUs": Machine(cores=64, gpus=8),
    "small GPUs": Machine(cores=16, gpus=8, gpu_memory=256 << 20),
}


def mlp(width, depth):
    return st.Sequential(*(st.Linear(width, width, activation="relu", rng=0) for _ in range(depth))), (width,)


def branches():
    w = [np.ones((256, 256), "f4") for _ in range(4)]

    def f(x):
        a, b = st.matmul(st.matmul(x, w[0]), w[1]), st.matmul(st.matmul(x, w[2]), w[3])
        return st.add(st.softmax(a, 0), b)  # mixes samples

    return f, (256,)


NETWORKS = {
    "tiny": mlp(16, 3),
    "narrow": mlp(384, 8),
    "wide": mlp(4096, 8),
    "branches": branches(),
}
DECISIONS = [
    # network, samples, machine: calls, streams
    ("tiny", 8, "laptop", "serial", "data (2 workers)"),
    ("tiny", 8, "large server", "serial", "data (128 workers)"),
    ("narrow", 1, "laptop", "intra (2 threads)", "data (2 workers)"),
    ("narrow", 1, "desktop", "tensor (8 workers, 8 steps in parts)", "pipeline (8 workers, micro-batch 1)"),
    ("narrow", 1, "small caches", "tensor (8 workers, 8 steps in parts)", "tensor (8 workers, 8 steps in parts)"),
    ("narrow", 64, "desktop", "intra (8 threads)", "data (8 workers)"),
    ("narrow", 1024, "server", "intra (64 threads)", "data (64 workers)"),
    ("wide", 256, "desktop", "intra (8 threads)", "intra (8 threads)"),
    ("wide", 256, "one GPU", "serial (gpu:0)", "serial (gpu:0)"),
    ("wide", 256, "eight GPUs", "data (8 workers, gpu:0 to gpu:7)", "data (8 workers, gpu:0 to gpu:7)"),
    (
        "wide",
        256,
        "small GPUs",
        "pipeline (8 workers, gpu:0 to gpu:7, micro-batch 8)",
        "pipeline (8 workers, gpu:0 to gpu:7, micro-batch 8)",
    ),
    ("tiny", 8, "eight GPUs", "serial", "data (64 workers)"),
]


def decision(name, samples, machine, objective="throughput", rates=None):
    f, shape = NETWORKS[name]
    program = st.trace(f, np.zeros((samples, *shape), "f4"))
    return choose(CostModel(program, machine, rates or Rates()), samples, Wanted(machine.cores), objective)


@pytest.mark.parametrize(("name", "samples", "machine", "calls", "streams"), DECISIONS)
def test_machines_we_do_not_have(name, samples, machine, calls, streams):
    made = decision(name, samples, MACHINES[machine])
    assert str(made.considered[made.call].choice) == calls
    assert str(made.considered[made.stream].choice) == streams


def test_two_cores_that_are_threads_of_one_are_left_alone():
    made = decision("narrow", 64, MACHINES["laptop"], rates=Rates(together=0.5))
    assert str(made.considered[made.call].choice) == str(made.considered[made.stream].choice) == "serial"


def test_at_least_four_schedules_get_chosen():
    assert len({text.split(" ")[0] for row in DECISIONS for text in row[3:]}) >= 5


def test_latency_gives_streams_the_choice_of_calls():
    made = decision("narrow", 64, MACHINES["desktop"], "latency")
    assert made.call == made.stream


def test_branches_of_a_network_that_mixes_samples():
    slow_to_fork = Rates(fork=1e-3)
    made = decision("branches", 64, MACHINES["laptop"], "latency", slow_to_fork)
    assert str(made.considered[made.call].choice) == "task (2 workers)"


def test_weights_that_fit_two_caches_but_not_one_make_a_pipeline():
    f, shape = mlp(480, 8)  # 7.4 MB of weights: in eight caches of 2 MiB they need not be read from L3
    program = st.trace(f, np.zeros((1, *shape), "f4"))
    for l2, streams in ((16 << 20, "data"), (2 << 20, "pipeline")):
        machine = Machine(cores=8, l2=l2, l3=64 << 20)
        made = choose(CostModel(program, machine), 1, Wanted(8), "throughput")
        assert made.considered[made.stream].choice.schedule == streams


def candidate(schedule, *seconds, size=0, periods=(), **options):
    return Candidate(Choice(schedule, **options), None, seconds, periods, size)


def test_the_median_decides():
    made = decide([candidate("serial", 1.0, 1.0, 9.0), candidate("data", 2.0, 2.0, 0.1)], "latency")
    assert made.call == made.stream == 0
    assert made.considered[0].verdict == "chosen: the fastest measured"
    assert made.considered[1].verdict == "2.00 times the chosen time"
    assert made.sentence == "serial runs calls: the fastest measured."


def test_the_simpler_one_within_three_percent():
    rows = [candidate("pipeline", 1.0, workers=2), candidate("data", 1.029, workers=2), candidate("serial", 1.031)]
    made = decide(rows, "latency")
    assert made.call == 1
    assert made.considered[1].verdict == "chosen: within 3 % of the fastest measured, and simpler"
    assert made.considered[2].verdict == "no faster by more than 3 %"


def test_fewer_workers_within_three_percent():
    rows = [candidate("data", 1.0, workers=8), candidate("data", 1.02, workers=4), candidate("data", 1.01, workers=6)]
    assert decide(rows, "latency").call == 1


def test_streams_take_the_least_time_for_a_batch():
    rows = [candidate("intra", 1.0, periods=(1.0,), threads=2), candidate("data", 1.5, periods=(0.7,), workers=2)]
    made = decide(rows, "throughput")
    assert (made.call, made.stream) == (0, 1)
    assert made.considered[1].verdict == "chosen for streams: the most batches a second"
    assert made.sentence.endswith("data (2 workers) runs streams: the most batches a second.")
    rows[1] = candidate("data", 1.5, periods=(0.98,), workers=2)
    assert decide(rows, "throughput").stream == 0


def test_memory_first_when_asked():
    rows = [candidate("serial", 3.0, size=10), candidate("data", 1.0, size=30), candidate("intra", 2.0, size=10)]
    made = decide(rows, "memory")
    assert made.call == 2
    assert [row.verdict for row in made.considered] == [
        "1.50 times the chosen time",
        "more memory",
        "chosen: the least memory",
    ]


def test_nothing_runs():
    with pytest.raises(ValueError, match="no schedule can run this: because"):
        decide([Candidate(Choice("data"), verdict="because")], "latency")


def guess(schedule, seconds, **options):
    prediction = Prediction(seconds, seconds, 0.0, (seconds,), "arithmetic", Timeline(()))
    return Candidate(Choice(schedule, **options), prediction)


def test_the_shortlist():
    rows = [
        guess("serial", 2.0),
        guess("intra", 1.0, threads=2),
        guess("intra", 1.14, threads=4),
        guess("data", 1.4, workers=2),
        guess("data", 1.45, workers=4),
        guess("pipeline", 1.49, workers=2),
        guess("tensor", 1.51, workers=2),
    ]
    assert shortlist(rows, call_seconds) == [1, 2, 3, 5]  # the best three, and the best of its schedule


def test_the_shortlist_of_short_calls():
    """Microseconds of waking workers are not known before: the best of each schedule is timed."""
    rows = [
        guess("serial", 50e-6),
        guess("intra", 51e-6, threads=2),
        guess("data", 120e-6, workers=2),
        guess("data", 121e-6, workers=2, micro_batch=4),
        guess("task", 270e-6, workers=2),
        guess("tensor", 280e-6, workers=2),
    ]
    assert shortlist(rows, call_seconds) == [0, 1, 2, 4]


def test_explain():
    made = decision("narrow", 64, MACHINES["laptop"])
    text = made.considered[made.call].verdict
    assert text.startswith("chosen: ")
    table = explain(made).splitlines()
    assert table[0] == "objective: throughput"
    assert table[1].split() == [
        "candidate",
        "predicted",
        "measured",
        "stream",
        "memory",
        "idle",
        "loads",
        "limited",
        "by",
    ]
    assert table[-1] == made.sentence
    data = json.loads(explain(made, "json"))
    assert data["sentence"] == made.sentence
    assert len(data["candidates"]) == len(made.considered)
    row = data["candidates"][made.call]
    assert row["predicted"] > 0
    assert row["limit"]
    with pytest.raises(ValueError, match="unknown format: 'html'; it must be 'text' or 'json'"):
        explain(made, "html")
