"""Futures: order, errors, bounds, cancelling, closing."""

import threading
import time
from concurrent.futures import CancelledError, wait

import numpy as np
import pytest
import stretto as st

from tests.execute.test_stream import IDS, SIZES, X, batches, make_net, opened, plan, table_plan

__all__ = ["plan", "table_plan"]  # fixtures


def test_results_have_the_bits_of_calls(plan):
    net = make_net()
    futures = [plan.submit(x) for x in batches()]
    assert [f.result(30).tobytes() for f in futures] == [net(x).tobytes() for x in batches()]


def test_an_array_may_be_written_to_after_submit(plan):
    net = make_net()
    buffer = X.copy()
    futures = []
    for i in range(8):
        buffer[...] = X * (i + 1)
        futures.append(plan.submit(buffer))
    assert [f.result(30).tobytes() for f in futures] == [net(X * np.float32(i + 1)).tobytes() for i in range(8)]


def test_an_error_is_of_its_own_call(table_plan):
    good = table_plan(IDS).tobytes()
    wrong = IDS.copy()
    wrong[3] = 99
    futures = [table_plan.submit(wrong if i % 3 == 1 else IDS) for i in range(12)]
    for i, future in enumerate(futures):
        if i % 3 == 1:
            with pytest.raises((ValueError, IndexError), match=rf"\[batch {i}, stage 0, step 0 \(take\)"):
                future.result(30)
        else:
            assert future.result(30).tobytes() == good
    with pytest.raises(ValueError, match="has the wrong shape: it is"):
        table_plan.submit(IDS[:, None])


def test_many_threads_submit(plan):
    net = make_net()
    expected = {n: net(X[:n]).tobytes() for n in SIZES}
    wrong = []

    def use(seed):
        for i in range(40):
            n = SIZES[(seed + i) % len(SIZES)]
            if plan.submit(X[:n]).result(30).tobytes() != expected[n]:
                wrong.append((seed, i))

    threads = [threading.Thread(target=use, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def slow_net():
    layer = st.Linear(256, 256)
    return st.Sequential(*(layer for _ in range(40)))


def test_a_cancelled_future_is_not_run_and_who_brings_too_many_waits():
    x = np.ones((2048, 256), "f4")
    with st.plan(slow_net(), x[:1], schedule="serial", workers=1, calibrate=0.0) as plan:
        begin = time.perf_counter()
        first = plan.submit(x)
        second = plan.submit(x)
        assert second.cancel() or second.done()
        third = plan.submit(x[:1])
        wait([first, third], 60)
        assert first.result().shape == x.shape
        assert third.result().shape == (1, 256)
        if second.cancelled():
            with pytest.raises(CancelledError):
                second.result()
        assert time.perf_counter() - begin < 60


def test_closing_ends_what_is_under_way():
    x = np.ones((4096, 256), "f4")
    plan = st.plan(slow_net(), x[:1], schedule="data", workers=2, calibrate=0.0)
    futures = [plan.submit(x) for _ in range(3)]
    plan.close()
    for future in futures:
        if future.exception(30) is not None:
            assert isinstance(future.exception(), CancelledError)
            assert "the plan was closed" in str(future.exception())
    with pytest.raises(ValueError, match="the plan is closed"):
        plan.submit(x)


def test_a_closed_desk_refuses():
    plan = opened(make_net(), "serial")
    plan.submit(X).result(30)
    plan.close()
    with pytest.raises(ValueError, match="closed"):
        plan.submit(X)


def test_a_callback_that_submits_does_not_wait_for_itself():
    with opened(make_net(), "serial") as plan:
        raised = []

        def another(_):
            try:
                for _ in range(3):  # nobody gives back room as long as this goes on
                    plan.submit(X)
            except RuntimeError as error:
                raised.append(str(error))

        future = plan.submit(np.repeat(X, 20_000, axis=0))
        future.add_done_callback(another)
        future.result(30)
        plan.submit(X).result(30)
    assert len(raised) == 1
    assert "it would wait for itself: 2 calls are under way" in raised[0]
