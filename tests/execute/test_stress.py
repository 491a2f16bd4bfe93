"""Random plans used in random ways: no hang, no wrong result, no memory lost."""

import gc
import itertools
import resource
import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest
import stretto as st
from stretto.runner import Runner
from stretto.schedule.plan import Choice, Stage

TABLE = np.random.default_rng(0).normal(size=(5, 4)).astype("f4")
WEIGHT = np.random.default_rng(1).normal(size=(4, 4)).astype("f4")


def net(ids):
    y = st.matmul(st.embedding(TABLE, ids), WEIGHT)
    return st.matmul(st.relu(y), WEIGHT, residual=y)


PROGRAM = st.trace(net, np.arange(8) % 5)
EXPECTED = {n: net(np.arange(n) % 5).tobytes() for n in range(1, 9)}


def resident_mebibytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def batch(rng, fails):
    n = int(rng.integers(1, 9))
    ids = np.arange(n) % 5
    if fails:
        ids[int(rng.integers(n))] = 99
    return ids


def deliver(plan, way, batches, rng, done):
    """Append the results to ``done``, until something is raised."""
    if way == "call":
        done.extend(map(plan, batches))
    elif way == "submit":
        done.extend(future.result(60) for future in [plan.submit(x) for x in batches])
    else:
        naps = {"before": lambda x: time.sleep(rng.random() * 1e-4) or x} if way == "staged" else {}
        stream = plan.stream(batches, in_flight=int(rng.integers(1, 6)), **naps)
        done.extend(itertools.islice(stream, 2) if way == "left" else stream)


def use(plan, rng):
    """Use a plan in a random way, and look at what comes of it."""
    way = str(rng.choice(["call", "stream", "left", "staged", "submit"]))
    bad = int(rng.integers(0, 30))
    batches = [batch(rng, i == bad) for i in range(int(rng.integers(0, 12)))]
    canceller = threading.Timer(rng.random() * 0.002, plan.cancel) if rng.random() < 0.2 else None
    if canceller is not None:
        canceller.start()
    done, error = [], None
    try:
        deliver(plan, way, batches, rng, done)
    except (ValueError, IndexError, CancelledError) as raised:
        error = raised
    if canceller is not None:
        canceller.join()
    if isinstance(error, CancelledError):
        assert canceller is not None
    elif error is not None:
        assert bad < len(batches)
        assert "step 0 (take)" in str(error)
        assert len(done) == bad
    else:
        assert len(done) == (min(2, len(batches)) if way == "left" else len(batches))
        assert bad >= len(done)
    for x, y in zip(batches, done, strict=False):
        assert y.tobytes() == EXPECTED[len(x)]


def random_choice(rng):
    workers = int(rng.integers(1, 5))
    schedule = str(rng.choice(["serial", "intra", "data", "pipeline"]))
    if schedule != "pipeline":
        threads = workers if schedule == "intra" else 1
        return Choice(schedule, workers if schedule == "data" else 1, threads)
    ends = sorted(rng.choice(range(1, len(PROGRAM.steps)), workers - 1, replace=False))
    cuts = itertools.pairwise([0, *map(int, ends), len(PROGRAM.steps)])
    stages = tuple(Stage(f"stage {i}", tuple(range(*cut))) for i, cut in enumerate(cuts))
    return Choice("pipeline", workers, 1, int(rng.integers(1, 9)), stages)


def stress(rounds):
    rng = np.random.default_rng(0)
    before = 0.0
    for number in range(rounds):
        with Runner(PROGRAM, random_choice(rng)) as plan:
            for _ in range(3):
                use(plan, rng)
        if number == rounds // 4:
            gc.collect()
            before = resident_mebibytes()
    gc.collect()
    return resident_mebibytes() - before


def test_a_few_hundred_plans():
    stress(200)


@pytest.mark.slow
def test_ten_thousand_plans():
    assert stress(10_000) < 16
