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
