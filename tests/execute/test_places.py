"""Workers keep off each other's CPUs."""

import os

import numpy as np
import pytest
import stretto as st


def cpus_of_workers():
    """The CPUs that each worker thread of this process may use."""
    found = {}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/comm", encoding="utf-8") as file:
            name = file.read().strip()
        if name.startswith("stretto-w"):
            found[name] = os.sched_getaffinity(int(task))
    return found


def test_a_sleeping_worker_is_kept_off_the_callers_cpu():
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("one CPU: there is no other")
    x = np.ones((8, 64), "f4")
    with st.plan(st.Linear(64, 64), x, schedule="data", workers=2, calibrate=0.0) as plan:
        for _ in range(5):
            plan(x)
            (mask,) = cpus_of_workers().values()
            assert mask < allowed
            assert len(mask) == len(allowed) - 1
    assert os.sched_getaffinity(0) == allowed
