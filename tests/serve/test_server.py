"""Servers: batches of single requests, whose results have the bits they would have alone."""

import doctest
import itertools
import threading
import types

import numpy as np
import pytest
import stretto as st
from stretto.serve import Server, ServerStats, server, stats
from stretto.serve.samples import sizes_up_to

from tests.serve.gate import NET, Gate, X, opened

IDS = np.arange(12) % 5
TABLE = np.random.default_rng(1).normal(size=(5, 4)).astype("f4")


def in_threads(count, work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("schedule", ["serial", "data", "pipeline"])
@pytest.mark.parametrize("max_wait", [0, 0.002])
def test_results_have_the_bits_they_have_alone(schedule, max_wait):
    alone = [NET(x[None])[0] for x in X]
    wrong = []
    with opened(schedule=schedule) as plan, Server(plan, max_batch=6, max_wait=max_wait) as server:

        def ask(number):
            for i in range(40):
                k = (7 * number + i) % len(X)
                y = server(X[k])
                if y.tobytes() != alone[k].tobytes() or y.shape != alone[k].shape or not y.flags.owndata:
                    wrong.append((number, i))

        in_threads(8, ask)
        stats = server.stats()
    assert wrong == []
    assert (stats.requests, stats.failed, stats.waiting) == (320, 0, 0)
    assert 320 / 6 <= stats.batches <= 320
    assert 0 < stats.p50 <= stats.p95 <= stats.p99


def test_what_comes_during_a_batch_is_the_next(gate):
    with Server(gate, max_batch=8, max_wait=0) as server:
        futures = [server.submit(X[0])]
        assert gate.came.acquire(timeout=30)
        futures += [server.submit(x) for x in X[1:14]]
        gate.open()
        for future, x in zip(futures, X[:14], strict=True):
            np.testing.assert_array_equal(future.result(30), NET(x[None])[0], strict=True)
        assert gate.sizes == [1, 8, 6]  # five, filled up
        assert server.stats().batches == 3


class Clock(types.SimpleNamespace):
    now = 100.0

    def perf_counter(self):
        return self.now

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(server, "time", clock)
    return clock


@pytest.mark.parametrize(("came", "waits"), [(160.0, True), (101.0, False)])
def test_who_was_there_before_is_waited_for(gate, clock, came, waits):
    """The first batch takes 60 s; one who came during it waits until as long as that or 50 s have passed."""
    with Server(gate, max_wait=50.0) as server:
        first = server.submit(X[0])
        assert gate.came.acquire(timeout=30)
        clock.now = came
        server.submit(X[1])
        clock.now = 161.0
        gate.go.release()
        first.result(30)
        if not waits:
            assert gate.came.acquire(timeout=30)
        third = server.submit(X[2])
        gate.open()
        third.result(30)
        assert gate.sizes == ([1, 2] if waits else [1, 1, 1])


def test_a_lone_request_does_not_wait(gate, clock):
    gate.open()
    with Server(gate, max_wait=50.0) as server:
        for x in X[:5]:
            server.submit(x).result(30)
        clock.now += 60
        first = [server.submit(x) for x in X[:3]]
        for future in first:
            future.result(30)
        clock.now += 60
        server.submit(X[3]).result(30)
    assert gate.sizes[:5] == [1] * 5
    assert gate.sizes[-1] == 1


def test_only_the_request_that_is_wrong_fails():
    def look_up(ids):
        return st.embedding(TABLE, ids)

    gate = Gate(opened(look_up, IDS))
    with Server(gate) as server:
        server.submit(np.int64(0))
        assert gate.came.acquire(timeout=30)
        futures = [server.submit(np.int64(i)) for i in (1, 2, 99, 4)]
        gate.open()
        for k in (1, 2, 4):
            np.testing.assert_array_equal(futures[k - 1].result(30), TABLE[k])
        with pytest.raises((ValueError, IndexError), match="99"):
            futures[2].result(30)
        np.testing.assert_array_equal(server(np.int64(3)), TABLE[3])
        stats = server.stats()
        assert (stats.requests, stats.failed) == (6, 1)
        assert ", 1 failed, p50 " in str(stats)


def test_several_inputs_and_outputs():
    def both(a, b):
        return st.add(a, b), st.transpose(st.reshape(a, (a.shape[0], 2, 4)), (1, 0, 2)), a

    a, b = X[:16], X[16:32]
    with opened(both, (a, b)) as plan, Server(plan, max_batch=5) as server:
        futures = [server.submit(p, q) for p, q in zip(a, b, strict=True)]
        for future, p, q in zip(futures, a, b, strict=True):
            added, halves, same = future.result(30)
            np.testing.assert_array_equal(added, p + q, strict=True)
            np.testing.assert_array_equal(halves, p.reshape(2, 4), strict=True)
            np.testing.assert_array_equal(same, p, strict=True)


def test_samples_of_another_byte_order_and_lists_of_arrays(gate):
    gate.open()
    with Server(gate) as server:
        expected = server(X[0])
        np.testing.assert_array_equal(server(X[0].astype(">f4")), expected, strict=True)
        np.testing.assert_array_equal(server(list(X[0])), expected, strict=True)


def test_a_sample_may_change_after_it_was_submitted(gate):
    sample = X[0].copy()
    with Server(gate) as server:
        first, second = server.submit(X[1]), server.submit(sample)
        sample[...] = 7
        gate.open()
        first.result(30)
        np.testing.assert_array_equal(second.result(30), NET(X[:1])[0])


@pytest.mark.parametrize(
    ("samples", "error", "text"),
    [
        ((X[:1],), ValueError, r"serve: x has the wrong shape: it is \(1, 8\); a sample, .* is \(8,\)"),
        ((X[0].astype("f8"),), TypeError, "serve: x has the wrong dtype: it is float64; the network takes float32"),
        ((X[0], X[0]), TypeError, "serve: 2 arrays given; the network takes 1"),
    ],
)
def test_samples_that_do_not_fit(gate, samples, error, text):
    with Server(gate) as server, pytest.raises(error, match=text):
        server(*samples)


def test_networks_that_cannot_be_served():
    together = "serve: the network cannot run samples of different callers together: "
    with opened(lambda x: st.softmax(x, axis=0)) as plan, pytest.raises(ValueError, match=together + "step 0 .* mixes"):
        Server(plan)
    plan = st.plan(st.trace(st.add, X[:2], X[0], batch_axes=(0, None)), (X[:2], X[0]), schedule="serial")
    with plan, pytest.raises(ValueError, match=together + "the input x1 has no batch axis"):
        Server(plan)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_batch": 0}, "max_batch is out of range: 0; it must be a positive integer"),
        ({"max_queue": 1.5}, "max_queue is out of range: 1.5"),
        ({"max_wait": -1}, "max_wait is out of range: -1; it must be seconds, at least 0"),
        ({"max_wait": float("inf")}, "max_wait is out of range: inf"),
    ],
)
def test_bad_options(gate, options, text):
    with pytest.raises(ValueError, match=text):
        Server(gate, **options)


def test_a_full_queue_makes_callers_wait(gate):
    with Server(gate, max_queue=2, max_batch=2, max_wait=0) as server:
        server.submit(X[0])
        assert gate.came.acquire(timeout=30)
        server.submit(X[1])
        server.submit(X[2])
        with pytest.raises(TimeoutError, match="serve: the queue is full: 2 requests wait"):
            server.submit(X[3], timeout=0)
        results = []
        caller = threading.Thread(target=lambda: results.append(server(X[4])))
        caller.start()
        gate.open()
        caller.join(30)
        np.testing.assert_array_equal(results[0], NET(X[4:5])[0])


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8, 32, 100])
def test_sizes_grow_by_a_half_at_most(most):
    sizes = sizes_up_to(most)
    assert sizes[0] == 1
    assert sizes[-1] == most
    assert all(a < b <= max(2 * a if a < 2 else 1.5 * a, a + 1) for a, b in itertools.pairwise(sizes))
    assert len(sizes) <= 2 * np.log2(most) + 2


def test_stats_print_in_one_line():
    stats = ServerStats(requests=12, failed=0, batches=4, p50=0.001, p95=0.002, p99=0.0031, waiting=3)
    assert str(stats) == "12 requests in 4 batches (3.0 each), p50 1 ms, p95 2 ms, p99 3.1 ms, 3 waiting"
    assert stats.mean_batch == 3
    with opened() as plan, Server(plan) as server:
        assert str(server.stats()) == "0 requests in 0 batches (0.0 each), p50 0 s, p95 0 s, p99 0 s, 0 waiting"


@pytest.mark.parametrize("module", [server, stats])
def test_the_examples_run(module):
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0
