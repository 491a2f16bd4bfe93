"""st.plan: what it accepts, what it refuses, and that it says what it did."""

import json

import numpy as np
import pytest
import stretto as st
from stretto.schedule.candidates import SCHEDULES
from stretto.schedule.check import PlanError
from stretto.schedule.plan import Item, MicroBatch, Stage

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 8)).astype("f4")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("STRETTO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def make_net():
    return st.Sequential(st.Linear(8, 16, activation="relu", rng=1), st.Linear(16, 16, rng=2), st.Linear(16, 4, rng=3))


def two_branches(x):
    a, b = st.matmul(x, np.ones((8, 16), "f4")), st.matmul(x, np.ones((8, 32), "f4"))
    return st.concat([st.relu(a), st.tanh(b)], axis=1)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_can_be_asked_for(schedule):
    for workers in (1, 2, 3, 4):
        with st.plan(two_branches, X, schedule=schedule, workers=workers, calibrate=0.0) as plan:
            assert plan.choice.schedule == schedule
            assert plan(X).tobytes() == two_branches(X).tobytes()
            assert plan(X[:5]).tobytes() == two_branches(X[:5]).tobytes()
            batches = [X, X[:1], X[:7], X]
            for result, batch in zip(plan.stream(batches), batches, strict=True):
                assert result.tobytes() == two_branches(batch).tobytes()


def test_bad_options():
    net = make_net()
    for options, error, text in [
        ({"schedule": "magic"}, ValueError, "unknown schedule: 'magic'; it must be one of serial, depth_first, intra"),
        ({"objective": "joy"}, ValueError, "unknown objective: 'joy'; it must be one of throughput, latency, memory"),
        ({"precision": "low"}, ValueError, "unknown precision: 'low'; it must be one of highest, high, medium"),
        ({"workers": 0}, ValueError, "workers is out of range: 0; it must be a positive integer, at most 4096"),
        ({"workers": 10**7}, ValueError, "workers is out of range: 10000000; .* at most 4096"),
        ({"threads": True}, ValueError, "threads is out of range: True"),
        ({"micro_batch": 2.5}, ValueError, "micro_batch is out of range: 2.5; it must be a positive integer$"),
        ({"memory_limit": -1}, ValueError, "memory_limit is out of range: -1"),
        ({"calibrate": -1.0}, ValueError, "calibrate is out of range: -1.0; it must be a number of seconds, 0 or more"),
        ({"calibrate": float("nan")}, ValueError, "calibrate is out of range: nan"),
        (
            {"devices": ["gpu:0"]},
            NotImplementedError,
            r"devices is \['gpu:0'\], but the example is in host memory; pass a CuPy array",
        ),
        ({"devices": 0}, ValueError, "unknown devices: 0; it must be 'cpu'"),
        (
            {"devices": "tpu"},
            ValueError,
            "unknown devices: 'tpu'; it must be 'cpu', or different ones of 'gpu:0', 'gpu:1'",
        ),
        ({"schedule": "task", "workers": 2}, ValueError, "'task' cannot run this network: no two of its branches"),
        ({"schedule": "task", "micro_batch": 2}, ValueError, "task takes the batch whole: micro_batch is given"),
    ]:
        with pytest.raises(error, match=text):
            st.plan(net, X, **options)


def test_a_network_that_mixes_samples_is_not_cut():
    def mixing(x):
        return st.matmul(st.transpose(x, (1, 0)), x)

    with pytest.raises(ValueError, match=r"'data' cannot run this network: step 1 \(matmul\) mixes samples"):
        st.plan(mixing, X, schedule="data", workers=2)
    with st.plan(mixing, X, workers=2, calibrate=0.02) as plan:
        assert plan(X).tobytes() == mixing(X).tobytes()


def test_explain():
    with st.plan(make_net(), X, workers=2, calibrate=0.05) as plan:
        text = plan.explain()
        for name in (*SCHEDULES, "chosen: ", "predicted", "measured", "runs calls"):
            assert name in text
        data = json.loads(plan.explain(format="json"))
        chosen = data["candidates"][data["call"]]
        assert chosen["verdict"].startswith("chosen: ")
        assert chosen["choice"]["schedule"] == plan.choice.schedule
        assert chosen["predicted"] > 0
        assert chosen["seconds"] > 0
        assert chosen["bytes"] == plan.peak_bytes(12)
        with pytest.raises(ValueError, match="unknown format: 'xml'"):
            plan.explain("xml")


def test_nothing_is_measured_when_there_is_no_time_for_it():
    with st.plan(make_net(), X, workers=2, calibrate=0.0) as plan:
        data = json.loads(plan.explain(format="json"))
        assert all(c["seconds"] is None for c in data["candidates"])
        assert data["candidates"][data["call"]]["predicted"] > 0


def test_steps_are_measured_once(tmp_path, monkeypatch):
    monkeypatch.setenv("STRETTO_CACHE", str(tmp_path))
    with st.plan(make_net(), X, workers=1, calibrate=5.0):
        pass
    (file,) = tmp_path.iterdir()
    known = json.loads(file.read_text())
    assert known["rates"]["flops"] > 0
    assert {row[2] for row in known["steps"]} == {1, 2, 4, 8, 12}
    stamp = file.stat().st_mtime_ns
    with st.plan(make_net(), X, workers=1, calibrate=5.0):
        pass
    assert file.stat().st_mtime_ns == stamp


def test_memory():
    x = RNG.normal(size=(64, 4, 16, 16)).astype("f4")
    net = st.Sequential(st.Conv2d(4, 8, 3, rng=0), st.ReLU(), st.Conv2d(8, 4, 3, rng=1))
    with (
        st.plan(net, x, schedule="serial", workers=2) as serial,
        st.plan(net, x, objective="memory", workers=2, calibrate=0.05) as least,
        st.plan(net, x, memory_limit=serial.peak_bytes(64) // 2, workers=2, calibrate=0.05) as limited,
    ):
        assert least.peak_bytes(64) <= limited.peak_bytes(64) <= serial.peak_bytes(64) // 2
        assert least(x).tobytes() == limited(x).tobytes() == serial(x).tobytes()
        assert "the limit is" in limited.explain()
        assert "chosen: the least memory" in least.explain()
    with st.plan(net, x[:1], schedule="serial") as alone:
        sample = alone.peak_bytes(1)
    with st.plan(net, x, memory_limit=sample, workers=2, calibrate=0.0) as one_by_one:
        assert str(one_by_one.choice) == "depth_first (micro-batch 1)"
        assert one_by_one.peak_bytes(64) == sample
    with pytest.raises(ValueError, match="memory_limit is too small: 100 bytes; the arenas of the smallest candidate"):
        st.plan(net, x, memory_limit=100, workers=2)


@pytest.mark.parametrize("schedule", [None, *(name for name in SCHEDULES if name not in ("task", "tensor"))])
def test_networks_without_work(schedule):
    for f, samples in ((lambda x: x, 4), (lambda x: st.reshape(x, (x.shape[0], 2, 4)), 4), (st.Linear(8, 4), 0)):
        with st.plan(f, X[:samples], schedule=schedule, workers=2, calibrate=0.01) as plan:
            for batch in (X[:samples], X):
                assert plan(batch).tobytes() == np.asarray(f(batch)).tobytes()


def test_precision_of_steps_that_have_none_of_their_own():
    def f(x):
        return st.matmul(st.matmul(x, np.ones((8, 4), "f4"), precision="medium"), np.ones((4, 4), "f4"))

    with st.plan(f, X, precision="high", schedule="serial") as plan:
        assert [dict(step.attributes)["precision"] for step in plan.program.steps] == ["medium", "high"]


def test_progress():
    st.plan(make_net(), X, workers=2, calibrate=0.01).close()  # measures the machine, however long that takes
    seen = []
    st.plan(two_branches, X, workers=2, calibrate=1.0, progress=seen.append).close()
    done = [event.done for event in seen]
    assert done == sorted(done)
    assert done[-1] == 100
    assert len(done) > 2


def by_hand(program):
    """A pipeline whose first stage is on worker 1."""
    stages = (Stage("first", (0,)), Stage("rest", (1, 2)))
    batches = (MicroBatch(0, 5, 0), MicroBatch(5, 7, 1))
    items = (Item(0, 0), Item(0, 1), Item(1, 0, (0,)), Item(1, 1, (1,)))
    return st.Plan("mine", 12, stages, batches, items, ((2, 3), (0, 1)), slots=2)


def test_a_plan_by_hand(tmp_path):
    net = make_net()
    plan = by_hand(net)
    plan.save(tmp_path / "plan.json")
    loaded = st.Plan.load(tmp_path / "plan.json")
    assert loaded == plan
    with st.plan(net, X, schedule=loaded) as runner:
        assert runner(X).tobytes() == net(X).tobytes()
        assert runner.plan(12) == plan
        assert [y.tobytes() for y in runner.stream([X, X])] == [net(X).tobytes()] * 2
        assert "mine (by hand, 2 workers)" in runner.explain()
        with pytest.raises(ValueError, match="the plan is for 12 samples; the batch has 5; a Choice of schedule"):
            runner(X[:5])


def test_an_edited_plan_is_proved(tmp_path):
    net = make_net()
    with st.plan(net, X, schedule="pipeline", workers=2, micro_batch=4, calibrate=0.0) as runner:
        plan = runner.plan(12)
    data = json.loads(plan.to_json())
    data["stages"][1]["steps"] = data["stages"][1]["steps"][:-1]
    with pytest.raises(PlanError, match=r"step 2 \(matmul\) is in no stage"):
        st.plan(net, X, schedule=st.Plan.from_json(json.dumps(data)))(X)
    for text in ("", "[]", '{"schedule": "mine"}', plan.to_json().replace('"stage":', '"etage":')):
        with pytest.raises(ValueError, match="the JSON describes no plan"):
            st.Plan.from_json(text)


def test_what_cannot_run_yet():
    net = make_net()
    with pytest.raises(NotImplementedError, match="the device 'gpu:0' is not there yet"):
        st.plan(net, X, schedule=st.Choice("serial", devices=("gpu:0",)))(X)


def test_a_choice_runs_any_batch():
    net = make_net()
    with st.plan(net, X, schedule=st.Choice("data", 3, micro_batch=2)) as plan:
        for samples in (12, 1, 7):
            assert plan(X[:samples]).tobytes() == net(X[:samples]).tobytes()


def test_calls_and_streams_may_differ():
    with st.plan(make_net(), X, workers=2, calibrate=0.1) as plan:
        assert plan.stream_choice is None or plan.stream_choice != plan.choice
    with st.plan(make_net(), X, workers=2, objective="latency", calibrate=0.05) as plan:
        assert plan.stream_choice is None
