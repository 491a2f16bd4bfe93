"""Workers keep off each other's CPUs."""

import os

import numpy as np
import pytest
import stretto as st


def workers():
    """The worker threads of this process."""
    found = set()
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8") as file:
            if file.read().startswith("stretto-w"):
                found.add(int(task))
    return found


def test_a_sleeping_worker_is_kept_off_the_callers_cpu():
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("one CPU: there is no other")
    x = np.ones((8, 64), "f4")
    before = workers()
    choice = st.Choice("data", 2)
    with st.plan(st.Linear(64, 64), x, schedule=choice) as plan:
        (worker,) = workers() - before
        for _ in range(5):
            plan(x)
            mask = os.sched_getaffinity(worker)
            assert mask < allowed
            assert len(mask) == len(allowed) - 1
    assert os.sched_getaffinity(0) == allowed


def sleeps(thread: int) -> int:
    """How often a thread has gone to sleep."""
    with open(f"/proc/self/task/{thread}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


def test_a_worker_does_not_sleep_between_the_calls_of_a_loop():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one CPU: waiting workers leave it to others")
    calls = 2000
    x = np.ones((8, 64), "f4")
    before = workers()
    with st.plan(st.Linear(64, 64), x, schedule=st.Choice("data", 2)) as plan:
        (worker,) = workers() - before
        plan(x)
        asleep = sleeps(worker)
        for _ in range(calls):
            plan(x)
        assert sleeps(worker) - asleep < calls / 2
