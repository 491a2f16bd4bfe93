"""Ctrl-C, cancel, the watchdog, forks and the end of the interpreter."""

import contextlib
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest
import stretto as st

SCHEDULES = ["serial", "intra", "data", "pipeline"]

SLOW = """
import gc, os, signal, sys, threading, time
from concurrent.futures import CancelledError
import numpy as np, stretto as st
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell's background job runs this
layer = st.Linear(256, 256)
net = st.Sequential(*(layer for _ in range(200)))
x = np.ones((4096, 256), "f4")
plan = st.plan(net, x[:4], schedule="{schedule}", workers=2, micro_batch={micro_batch}, calibrate=0.0)
small = plan(x[:1]).tobytes()
"""


def run_python(code, schedule="data", timeout=120, **environment):
    micro_batch = 64 if schedule == "pipeline" else None
    text = SLOW.format(schedule=schedule, micro_batch=micro_batch) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done


@contextlib.contextmanager
def cancelling(plan):
    """Another thread that cancels the plan's run; again and again, as the first time may come before the run."""
    over = threading.Event()

    def cancel():
        while not over.wait(0.05):
            plan.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_cancel_from_another_thread(schedule):
    layer = st.Linear(256, 256)
    x = np.ones((4096, 256), "f4")
    options = {"micro_batch": 64} if schedule == "pipeline" else {}
    net = st.Sequential(*(layer for _ in range(200)))
    with st.plan(net, x[:4], schedule=schedule, workers=2, calibrate=0.0, **options) as plan:
        small = plan(x[:1]).tobytes()
        plan.cancel()  # nothing runs
        for _ in range(3):
            said = rf"plan: the run was cancelled: {schedule}.*4096 samples"
            with cancelling(plan), pytest.raises(CancelledError, match=said):
                plan(x)
            assert plan(x[:1]).tobytes() == small


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("use", ["for y in plan.stream([x] * 100): pass", "plan.submit(x).result()"])
def test_control_c(schedule, use):
    done = run_python(
        f"""
        sent = []
        def interrupt():
            time.sleep(0.1)
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            {use}
            print("too short")
        except KeyboardInterrupt:
            print(time.perf_counter() - sent[0])
        assert plan(x[:1]).tobytes() == small
        assert [y.tobytes() for y in plan.stream([x[:1]] * 3)] == [small] * 3
        """,
        schedule,
    )
    assert float(done.stdout) < 1.0  # 0.2 s is the aim; the machine may be busy


@pytest.mark.parametrize("schedule", ["serial", "data", "pipeline"])
def test_a_fork_while_another_thread_is_inside(schedule):
    run_python(
        """
        stop = False
        def use(work):
            while not stop:
                work()
        stream = plan.stream(x[:64] for _ in iter(int, 1))
        works = [lambda: plan(x[:64]), lambda: next(stream), lambda: plan.submit(x[:64]).result(),
                 lambda: plan(x[:np.random.randint(1, 64)])]
        threads = [threading.Thread(target=use, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        failures = []
        for _ in range(8):
            time.sleep(0.02)
            pid = os.fork()
            if pid == 0:
                signal.alarm(30)
                try:
                    assert plan(x[:1]).tobytes() == small
                    assert [y.tobytes() for y in plan.stream([x[:1]] * 3)] == [small] * 3
                    assert plan.submit(x[:1]).result().tobytes() == small
                    try:
                        next(stream)
                    except RuntimeError as error:
                        assert "before a fork" in str(error)
                    plan.close()
                except BaseException:
                    import traceback
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            failures.append(os.waitpid(pid, 0)[1])
        stop = True
        for thread in threads:
            thread.join()
        stream.close()
        assert failures == [0] * 8, failures
        """,
        schedule,
    )


def test_the_interpreter_ends_with_work_under_way():
    for use in (
        "stream = plan.stream([x] * 100); next(stream)",
        "stream = plan.stream([x] * 100, before=lambda x: x, after=lambda y: y); next(stream)",
        "futures = [plan.submit(x) for _ in range(3)]",
        "threading.Thread(target=lambda: list(plan.stream([x] * 100)), daemon=True).start(); time.sleep(0.1)",
        "threading.Thread(target=lambda: plan(x), daemon=True).start(); time.sleep(0.05)",
    ):
        run_python(use, timeout=60)


def test_the_watchdog_says_what_every_worker_does(capfd, monkeypatch):
    monkeypatch.delenv("STRETTO_WATCHDOG", raising=False)
    layer = st.Linear(512, 512)
    net = st.Sequential(*(layer for _ in range(30)))
    x = np.ones((2048, 512), "f4")
    with st.plan(net, x[:8], schedule="pipeline", workers=2, micro_batch=2048, calibrate=0.0) as plan:
        plan(x[:8])
        assert plan.watchdog is None
        assert capfd.readouterr().err == ""
        plan.watchdog = 0.02
        plan(x)
        text = capfd.readouterr().err
        assert "stretto: nothing has finished for 0." in text
        assert "worker 0 runs stage 0 on micro-batch 0 since" in text
        assert "worker 1 waits for stage 0 on micro-batch 0 since" in text
        for _ in plan.stream([x, x]):
            pass
        assert "on micro-batch 0 of batch 0 since" in capfd.readouterr().err
        with pytest.raises(ValueError, match="watchdog is out of range: -1; it must be positive seconds, or None"):
            plan.watchdog = -1
    assert plan.watchdog == 0.02


def test_the_watchdog_of_the_environment(monkeypatch):
    monkeypatch.setenv("STRETTO_WATCHDOG", "7.5")
    x = np.ones((2, 3), "f4")
    assert st.plan(st.ReLU(), x, schedule="serial").watchdog == 7.5
    monkeypatch.setenv("STRETTO_WATCHDOG", "soon")
    with pytest.raises(ValueError, match="STRETTO_WATCHDOG: not a number of seconds: 'soon'"):
        st.plan(st.ReLU(), x, schedule="serial")
