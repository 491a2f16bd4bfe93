"""Runners in use: errors, signals, threads, changes of parameters, closing."""

import doctest
import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import stretto as st
from stretto import player

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 8)).astype("f4")
SCHEDULES = ["serial", "intra", "data", "pipeline"]


def make_net():
    return st.Sequential(st.Linear(8, 16, activation="relu", rng=1), st.Linear(16, 16, rng=2), st.Linear(16, 4, rng=3))


def opened(net, schedule, **options):
    return st.plan(net, X, schedule=schedule, workers=2, calibrate=0.0, **options)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_changed_parameter_is_seen(schedule, tmp_path):
    net = make_net()
    with opened(net, schedule) as plan:
        before = plan(X)
        net[1].weight = net[1].weight * 2
        after = plan(X)
        assert (after != before).any()
        np.testing.assert_array_equal(after, net(X))
        other = make_net().initialize(7)
        other.save(tmp_path / "net.safetensors")
        net.load(tmp_path / "net.safetensors")
        np.testing.assert_array_equal(plan(X), other(X))


def lookup(table):
    return lambda ids: st.matmul(st.embedding(table, ids), np.ones((4, 4), "f4"))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_an_error_of_a_step_names_its_place_and_the_plan_stays_usable(schedule):
    ids = np.arange(12) % 5
    f = lookup(RNG.normal(size=(5, 4)).astype("f4"))
    with st.plan(f, ids, schedule=schedule, workers=2, micro_batch=3, calibrate=0.0) as plan:
        good = plan(ids)
        for _ in range(5):
            bad = ids.copy()
            bad[7] = 99
            with pytest.raises((ValueError, IndexError), match=r"stage 0, step 0 \(take\), micro-batch 2, inputs"):
                plan(bad)
            np.testing.assert_array_equal(plan(ids), good)


def test_wrong_arguments():
    plan = opened(make_net(), "serial")
    with pytest.raises(ValueError, match=r"x has the wrong shape: it is \(3, 9\); the network takes float32 \(N, 8\)"):
        plan(np.zeros((3, 9), "f4"))
    with pytest.raises(TypeError, match="x has the wrong dtype: it is float64; the network takes float32"):
        plan(np.zeros((3, 8)))
    with pytest.raises(TypeError, match="2 arrays given; the network takes 1"):
        plan(X, X)


def test_closed():
    plan = opened(make_net(), "data")
    with plan:
        plan(X)
    with pytest.raises(ValueError, match="closed"):
        plan(X)
    plan.close()


def test_threads_end_with_the_runner():
    gc.collect()
    before = len(os.listdir("/proc/self/task"))
    for _ in range(5):
        plan = st.plan(make_net(), X, schedule="data", workers=4, calibrate=0.0)
        plan(X)
        assert len(os.listdir("/proc/self/task")) >= before + 3
        plan.close()
        del plan
        gc.collect()
    assert len(os.listdir("/proc/self/task")) <= before + 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_python_threads_take_turns(schedule):
    net = make_net()
    batches = [RNG.normal(size=(n, 8)).astype("f4") for n in (1, 5, 12, 3)]
    expected = [net(b) for b in batches]
    wrong = []
    with opened(net, schedule) as plan:

        def use(number):
            for i in range(50):
                k = (number + i) % 4
                if plan(batches[k]).tobytes() != expected[k].tobytes():
                    wrong.append((number, i))

        threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []


def test_timeline(tmp_path):
    import json

    with opened(make_net(), "pipeline", micro_batch=3) as plan:
        timeline = plan.timeline(X)
    assert len(timeline.spans) == 3 * 4
    assert timeline.workers == 2
    assert {s.micro_batch for s in timeline.spans} == {0, 1, 2, 3}
    for s in timeline.spans:
        assert 0 <= s.begin <= s.end <= timeline.duration + 1e-9
        assert s.name == "matmul"
    for batch in range(4):
        steps = [s.step for s in timeline.spans if s.micro_batch == batch]
        assert steps == [0, 1, 2]
    timeline.save(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert sum(e["ph"] == "X" for e in events) == 12 + 12  # measured and predicted
    assert {(e["pid"], e["tid"]) for e in events if e["ph"] == "X"} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert timeline.predicted.kind == "predicted"
    assert all({"ts", "dur", "name", "pid", "tid"} <= e.keys() for e in events if e["ph"] == "X")
    assert timeline == pickle.loads(pickle.dumps(timeline))


def test_weights_are_packed_once():
    plan = opened(make_net(), "data")
    for n in (12, 5, 12, 3):
        plan(X[:n])
    assert plan._shop.constants().packings in (0, 3)


def run_python(code, **options):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, **options)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_control_c_stops_a_long_plan(schedule):
    code = f"""
    import os, signal, threading, time
    import numpy as np, stretto as st
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell's background job runs this
    layer = st.Linear(256, 256)
    net = st.Sequential(*(layer for _ in range(200)))
    x = np.ones((4096, 256), "f4")
    plan = st.plan(net, x[:4], schedule="{schedule}", workers=2, micro_batch=64, calibrate=0.0)
    small = plan(x[:1]).tobytes()
    sent = []
    def interrupt():
        time.sleep(0.05)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        plan(x)
        print("too short")
    except KeyboardInterrupt:
        print(time.perf_counter() - sent[0])
    assert plan(x[:1]).tobytes() == small
    """
    done = run_python(code, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0  # 0.2 s is the aim; the machine may be busy


def test_fork():
    code = """
    import os
    import numpy as np, stretto as st
    x = np.ones((8, 8), "f4")
    net = st.Sequential(st.Linear(8, 8), st.Linear(8, 8))
    plans = [st.plan(net, x, schedule=s, workers=2, calibrate=0.0) for s in ("data", "pipeline", "intra")]
    expected = [p(x).tobytes() for p in plans]
    pid = os.fork()
    good = [p(x).tobytes() for p in plans] == expected
    if pid == 0:
        os._exit(0 if good else 1)
    _, status = os.waitpid(pid, 0)
    assert good and status == 0
    """
    done = run_python(code, timeout=60)
    assert done.returncode == 0, done.stderr


def test_out_of_memory_reaches_the_caller():
    code = """
    import resource
    import numpy as np, stretto as st
    net = st.Sequential(st.Linear(4, 1 << 16), st.Linear(1 << 16, 4))
    x = np.ones((4, 4), "f4")
    plan = st.plan(net, x, schedule="data", workers=2, calibrate=0.0)
    y = plan(x)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, resource.RLIM_INFINITY))
    try:
        plan(np.ones((1 << 14, 4), "f4"))
    except MemoryError:
        assert (plan(x) == y).all()
        print("survived")
    """
    done = run_python(code, timeout=60)
    assert done.stdout == "survived\n", done.stderr


def test_sleep_between_runs():
    with st.plan(make_net(), X, schedule="data", workers=2, calibrate=0.0) as plan:
        plan(X)
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_inputs_of_another_byte_order():
    x = np.arange(12, dtype="f4").reshape(4, 3)
    for schedule in ("serial", "data"):
        with st.plan(lambda x: (st.relu(x), x), x, schedule=schedule, workers=2) as plan:
            for y in plan(x.astype(">f4")):
                assert y.dtype == np.float32
                assert np.array_equal(y, x)


LIMITED = """
import resource, threading, numpy as np, stretto as st
x = np.ones((4, 3), "f4")
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    st.plan(lambda x: st.relu(x), x, schedule="data", workers=4000)
except RuntimeError as error:
    print(error)
with open("/proc/self/status") as status:
    print("threads", next(line.split()[1] for line in status if line.startswith("Threads")))
with st.plan(lambda x: st.relu(x), x, schedule="data", workers=2) as plan:
    print(np.array_equal(plan(x), x))
"""


def test_too_many_workers_leave_no_threads_behind():
    run = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    said, threads, works = run.stdout.splitlines()
    assert "plan: cannot start 3999 threads" in said
    assert "fewer workers" in said
    assert int(threads.split()[1]) < 100
    assert works == "True"


def test_the_examples_of_calls_run():
    ran = doctest.testmod(player)
    assert ran.attempted > 0
    assert ran.failed == 0
