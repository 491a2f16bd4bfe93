"""A plan to serve, and a gate before it."""

import threading

import numpy as np
import stretto as st

X = np.random.default_rng(0).normal(size=(64, 8)).astype("f4")
NET = st.Sequential(st.Linear(8, 16, activation="relu", rng=1), st.Linear(16, 4, rng=3))


def opened(net=NET, x=X[:16], schedule="serial"):
    return st.plan(net, x, schedule=schedule, workers=2, calibrate=0.0)


class Gate:
    """A runner that says when a batch has come and runs it when told to."""

    def __init__(self, runner):
        self.runner, self.program, self.peak_bytes = runner, runner.program, runner.peak_bytes
        self.came, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.sizes = []

    def __call__(self, *batch):
        self.sizes.append(len(batch[0]))
        self.came.release()
        assert self.go.acquire(timeout=30)
        return self.runner(*batch)

    def open(self):
        for _ in range(1000):
            self.go.release()
