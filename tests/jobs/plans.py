"""A plan, and batches for it."""

import numpy as np
import stretto as st

RNG = np.random.default_rng(0)
NET = st.Sequential(st.Linear(8, 16, activation="relu", rng=1), st.Linear(16, 4, rng=3))
BATCHES = [RNG.normal(size=(n, 8)).astype("f4") for n in (4, 1, 7, 4, 3, 12, 4, 2)]


def opened(net=NET, x=BATCHES[0], schedule="serial"):
    return st.plan(net, x, schedule=schedule, workers=2, calibrate=0.0)
