"""Streams: order, bits, bounds, errors, ends and asynchronous iteration."""

import asyncio
import os
import threading

import numpy as np
import pytest
import stretto as st
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from stretto.runner import Runner
from stretto.schedule.plan import Choice

from tests.execute.networks import BLOCKS, network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 8)).astype("f4")
SCHEDULES = ["serial", "intra", "data", "pipeline"]
SIZES = [3, 1, 12, 12, 5, 0, 12, 7, 2, 12, 4]


def make_net():
    return st.Sequential(st.Linear(8, 16, activation="relu", rng=1), st.Linear(16, 16, rng=2), st.Linear(16, 4, rng=3))


def opened(net, schedule, **options):
    return st.plan(net, X, schedule=schedule, workers=2, calibrate=0.0, **options)


def batches():
    return [X[:n] for n in SIZES]


def lookup():
    """A network that fails on an index outside of its table."""
    table = RNG.normal(size=(5, 4)).astype("f4")
    return lambda ids: st.matmul(st.embedding(table, ids), np.ones((4, 4), "f4"))


IDS = np.arange(6) % 5


def drained(stream):
    """What a stream delivers, and how it ends."""
    results = []
    try:
        results.extend(stream)
    except BaseException as error:
        return results, error
    return results, None


@pytest.fixture(params=SCHEDULES)
def plan(request):
    with opened(make_net(), request.param) as plan:
        plan.watchdog = 20
        yield plan


@pytest.fixture(params=SCHEDULES)
def table_plan(request):
    options = {"micro_batch": 2} if request.param == "pipeline" else {}
    with st.plan(lookup(), IDS, schedule=request.param, workers=2, calibrate=0.0, **options) as plan:
        plan.watchdog = 20
        yield plan


@pytest.mark.parametrize("in_flight", [None, 1, 2, 7])
@pytest.mark.parametrize("copy", [True, False])
def test_order_and_bits(plan, in_flight, copy):
    net = make_net()
    for _ in range(3):
        results = list(plan.stream(batches(), in_flight=in_flight, copy=copy))
        assert [y.tobytes() for y in results] == [net(x).tobytes() for x in batches()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    blocks=BLOCKS,
    seed=some.integers(0, 99),
    sizes=some.lists(some.integers(0, 9), max_size=12),
    workers=some.integers(1, 4),
    in_flight=some.none() | some.integers(1, 9),
)
def test_the_same_bits_as_calls(blocks, seed, sizes, workers, in_flight):
    x = np.random.default_rng(seed).normal(size=(9, 2, 6, 6)).astype("f4")
    f = network(blocks, seed)
    for schedule in ("data", "pipeline"):
        with st.plan(f, x, schedule=schedule, workers=workers, calibrate=0.0) as plan:
            expected = [plan(x[:n]).tobytes() for n in sizes]
            assert [y.tobytes() for y in plan.stream((x[:n] for n in sizes), in_flight=in_flight)] == expected


@pytest.mark.parametrize("in_flight", [1, 2, 3, 8])
def test_the_source_is_pulled_as_far_as_needed(plan, in_flight):
    pulled = []

    def source():
        for i in range(20):
            pulled.append(i)
            yield X[: i % 5 + 1]

    stream = plan.stream(source(), in_flight=in_flight)
    assert pulled == []
    for delivered, _ in enumerate(stream):
        assert len(pulled) <= delivered + in_flight
    assert len(pulled) == 20


def test_an_array_may_be_written_to_once_it_was_taken(plan):
    net = make_net()
    buffer = np.empty_like(X)

    def source():
        for i in range(9):
            buffer[...] = X * (i + 1)
            yield buffer

    expected = [net(X * np.float32(i + 1)).tobytes() for i in range(9)]
    assert [y.tobytes() for y in plan.stream(source(), in_flight=4)] == expected


def test_inputs_of_any_layout_and_results_that_are_inputs():
    x = RNG.normal(size=(4, 6)).astype("f4")
    with st.plan(lambda x: (st.relu(x), x, st.flatten(x)), x, schedule="data", workers=2, calibrate=0.0) as plan:
        given = [x, np.asfortranarray(x), x[::-1], x.astype(">f4"), x[:, ::-1]]
        for view, results in zip(given, plan.stream(given), strict=True):
            plain = np.ascontiguousarray(view.astype("f4"))
            for y, wanted in zip(results, (np.maximum(plain, 0), plain, plain), strict=True):
                assert y.tobytes() == wanted.tobytes()
                assert y is not view


def test_several_inputs_and_changed_parameters():
    layer = st.Linear(8, 4, rng=1)
    with st.plan(lambda x, y: st.add(layer(x), y), (X, X[:, :4]), schedule="data", workers=2, calibrate=0.0) as plan:
        stream = plan.stream(((X[:n], X[:n, :4]) for n in (1, 5, 12, 5)), in_flight=1)
        assert next(stream).tobytes() == (layer(X[:1]) + X[:1, :4]).tobytes()
        layer.weight = layer.weight * 2
        assert next(stream).tobytes() == (layer(X[:5]) + X[:5, :4]).tobytes()


def test_calls_and_other_streams_within_a_loop(plan):
    net = make_net()
    expected = net(X).tobytes()
    for a, b in zip(plan.stream([X] * 8), plan.stream([X] * 8), strict=True):
        assert a.tobytes() == b.tobytes() == plan(X).tobytes() == expected
        assert next(plan.stream([X])).tobytes() == expected


def test_threads_take_turns_on_one_stream(plan):
    expected = make_net()(X).tobytes()
    stream = plan.stream(X for _ in range(200))
    seen = []

    def use():
        seen.extend(y.tobytes() == expected for y in stream)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [True] * 200


def test_streams_may_have_a_choice_of_their_own():
    net = make_net()
    program = st.trace(net, X)
    with Runner(program, Choice("serial"), Choice("data", 3)) as plan:
        assert (plan.choice, plan.stream_choice) == (Choice("serial"), Choice("data", 3))
        with plan.stream([X] * 40, timeline=True) as stream:
            assert {y.tobytes() for y in stream} == {plan(X).tobytes()}
            assert {s.worker for s in stream.timeline().spans} <= {0, 1, 2}
        assert plan.timeline(X).workers == 1


def test_threads_end_with_flows_that_are_not_kept():
    with opened(make_net(), "data") as plan:
        plan(X)
        before = len(os.listdir("/proc/self/task"))
        for in_flight in range(1, 30):
            assert len(list(plan.stream([X] * 3, in_flight=in_flight))) == 3
        assert len(os.listdir("/proc/self/task")) <= before + 4


def test_memory_limit(plan):
    size = plan.peak_bytes(12) + 12 * (8 + 4) * 4
    net = make_net()
    for limit in (10**9, 4 * size, 2 * size):
        results = list(plan.stream(batches(), memory_limit=limit))
        assert [y.tobytes() for y in results] == [net(x).tobytes() for x in batches()]
    pulled = []

    def source():
        for i in range(8):
            pulled.append(i)
            yield X

    stream_size = max(size, 1)
    for delivered, _ in enumerate(plan.stream(source(), in_flight=8, memory_limit=10 * stream_size)):
        assert len(pulled) <= delivered + 8
    with pytest.raises(ValueError, match=r"a batch of 12 samples needs \d+ bytes; memory_limit is 100"):
        list(plan.stream([X], memory_limit=100))


def test_bad_options(plan):
    for options, text in [
        ({"in_flight": 0}, "in_flight is out of range: 0; it must be a positive integer"),
        ({"memory_limit": -1}, "memory_limit is out of range: -1"),
        ({"python_workers": 1.5}, "python_workers is out of range: 1.5"),
    ]:
        with pytest.raises(ValueError, match=text):
            plan.stream([X], **options)
    with pytest.raises(TypeError, match="before is not callable: 3"):
        plan.stream([X], before=[3])
    with pytest.raises(TypeError, match="not iterable"):
        plan.stream(3)
    with pytest.raises(ValueError, match="nothing was recorded"):
        plan.stream([X]).timeline()


def test_async_for(plan):
    net = make_net()
    expected = [net(x).tobytes() for x in batches()]

    async def source():
        for x in batches():
            await asyncio.sleep(0)
            yield x

    async def failing():
        yield X
        raise KeyError("mine")

    async def use():
        assert [y.tobytes() async for y in plan.stream(batches())] == expected
        assert [y.tobytes() async for y in plan.stream(source())] == expected
        stream = plan.stream(failing())
        assert len(await anext(stream)) == 12
        with pytest.raises(KeyError, match="mine"):
            await anext(stream)
        stream = plan.stream(source())
        with pytest.raises(TypeError, match="async for"):
            next(stream)
        stream.close()
        assert [y async for y in stream] == []

    asyncio.run(use())


def test_progress(plan):
    seen = []
    list(plan.stream([X, X[:5]], progress=seen.append))
    assert [(e.done, e.total, e.samples) for e in seen] == [(1, 2, 12), (2, 2, 17)]
    assert 0 <= seen[0].seconds <= seen[1].seconds


def test_a_bar_is_silent_where_stderr_is_no_terminal(plan, capfd):
    assert len(list(plan.stream(batches(), progress=True))) == len(SIZES)
    assert capfd.readouterr().err == ""


def test_timeline(plan):
    with plan.stream([X, X, X], timeline=True) as stream:
        for _ in stream:
            pass
        timeline = stream.timeline()
    assert {s.micro_batch for s in timeline.spans} == {0, 1, 2}
    assert {s.name for s in timeline.spans} == {"matmul"}
    assert all(0 <= s.begin <= s.end for s in timeline.spans)
    assert timeline.workers <= 2
