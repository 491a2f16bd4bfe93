"""Streams of host arrays through a plan on a GPU."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.cuda.fake_cupy import module as cupy
from tests.cuda.fake_cupy import state, to_device
from tests.cuda.test_programs import X, network

SIZES = (3, 5, 1, 3, 2, 5, 0, 4, 3)


def batches() -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.normal(size=(n, *X.shape[1:])).astype("f4") for n in SIZES]


def test_batches_come_back_in_order_with_the_bits_of_the_host() -> None:
    net, xs = network(), batches()
    with st.plan(net, to_device(X)) as plan:
        for in_flight in (None, 1, 2, 4):
            results = list(plan.stream(iter(xs), in_flight=in_flight))
            assert [y.tobytes() for y in results] == [net(x).tobytes() for x in xs]
            assert all(isinstance(y, np.ndarray) and y.flags.owndata for y in results)


def test_a_batch_is_on_its_way_before_the_one_before_is_waited_for() -> None:
    taken = []

    def source() -> Any:
        for number, x in enumerate(batches()):
            taken.append(number)
            yield x

    with st.plan(network(), to_device(X)) as plan:
        _core.host_launches()
        before = state.waits
        with plan.stream(source()) as results:
            next(results)
            assert taken == [0, 1, 2]
            assert state.waits == before + 1
            next(results)
            assert taken == [0, 1, 2, 3]
        streams = {stream for _, _, stream in _core.host_launches()}
        assert len(streams) == 3
        assert all(stream >= 0x8000 for stream in streams)


def test_arrays_may_be_written_to_when_the_next_one_is_asked_for() -> None:
    net, x = network(), np.empty_like(X)

    def source() -> Any:
        for n in range(6):
            x[...] = n
            yield x[:, ::-1][:, ::-1]
        x[...] = np.nan

    with st.plan(net, to_device(X)) as plan:
        for n, y in enumerate(plan.stream(source(), in_flight=4)):
            assert y.tobytes() == net(np.full_like(X, n)).tobytes()


def test_several_inputs_and_results() -> None:
    def f(a: Any, b: Any) -> Any:
        return st.add(a, b), st.matmul(a, st.transpose(b, (1, 0)))

    rng = np.random.default_rng(1)
    pairs = [(rng.normal(size=(n, 4)).astype("f4"), rng.normal(size=(n, 4)).astype("f4")) for n in (3, 3, 3)]
    with st.plan(f, tuple(map(to_device, pairs[0]))) as plan:
        for pair, results in zip(pairs, plan.stream(pairs), strict=True):
            assert [y.tobytes() for y in results] == [y.tobytes() for y in f(*pair)]


def test_functions_before_and_after_and_bounds_of_memory() -> None:
    net, xs = network(), batches()
    with st.plan(net, to_device(X)) as plan:
        made = plan.stream(range(len(xs)), before=lambda i: xs[i], after=lambda y: float(y.sum()), python_workers=2)
        assert list(made) == [float(net(x).sum()) for x in xs]
        most = plan.peak_bytes(5) + xs[1].nbytes + net(xs[1]).nbytes
        assert len(list(plan.stream(xs, memory_limit=most))) == len(xs)
        with pytest.raises(ValueError, match=r"a batch of 5 samples needs .* bytes; memory_limit is"):
            list(plan.stream(xs, memory_limit=most - 1))


def test_submitted_calls() -> None:
    net, xs = network(), batches()
    with st.plan(net, to_device(X)) as plan:
        futures = [plan.submit(x) for x in xs]
        assert [f.result().tobytes() for f in futures] == [net(x).tobytes() for x in xs]


def give_out(patch: pytest.MonkeyPatch, times: int, error: BaseException) -> None:
    """Page-locked memory can be had so often, then this happens."""
    real, left = cupy.cuda.alloc_pinned_memory, iter(range(times))

    def alloc(size: int) -> Any:
        if next(left, None) is None:
            raise error
        return real(size)

    patch.setattr(cupy.cuda, "alloc_pinned_memory", alloc)


def test_errors_come_in_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    net, xs = network(), batches()
    with st.plan(net, to_device(X)) as plan:
        results = plan.stream([xs[0], xs[1], xs[2][:, :2], xs[3]])
        assert [next(results).tobytes() for _ in range(2)] == [net(x).tobytes() for x in xs[:2]]
        with pytest.raises(ValueError, match=r"\[batch 2\]"):
            next(results)

        give_out(monkeypatch, 4, MemoryError("no more"))
        results = plan.stream(xs)
        assert [next(results).tobytes() for _ in range(2)] == [net(x).tobytes() for x in xs[:2]]
        with pytest.raises(MemoryError, match="no more"):
            next(results)
        monkeypatch.undo()
        assert len(list(plan.stream(xs))) == len(xs)


def test_a_ctrl_c_waits_for_what_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    net, xs = network(), batches()
    with st.plan(net, to_device(X)) as plan:
        give_out(monkeypatch, 3, KeyboardInterrupt())
        before = state.waits
        with pytest.raises(KeyboardInterrupt):
            list(plan.stream(xs))
        assert state.waits == before + 2  # the batch that was begun, and the one before it
        monkeypatch.undo()
        assert [y.tobytes() for y in plan.stream(xs)] == [net(x).tobytes() for x in xs]


def test_an_end_before_the_end() -> None:
    net, xs = network(), batches()
    plan = st.plan(net, to_device(X))
    results = plan.stream(xs)
    next(results)
    plan.cancel()
    with pytest.raises(CancelledError, match="cancelled after 1 batches"):
        next(results)
    results = plan.stream(xs)
    assert next(results).tobytes() == net(xs[0]).tobytes()
    plan.close()
    with pytest.raises(CancelledError, match="the plan was closed after 1 batches"):
        next(results)
    with pytest.raises(ValueError, match="the plan is closed"):
        plan.stream(xs)


def test_batches_go_to_several_gpus_in_turn() -> None:
    net, xs = network(), batches()
    with st.plan(net, to_device(X, 1), devices=("gpu:0", "gpu:1", "gpu:3")) as plan:
        _core.host_launches()
        results = list(plan.stream(xs))
        assert [y.tobytes() for y in results] == [net(x).tobytes() for x in xs]
        launches = [(gpu, stream) for _, gpu, stream in _core.host_launches()]
        order = list(dict.fromkeys(launches[:: max(1, len(launches) // 200)]))
        assert {gpu for gpu, _ in launches} == {0, 1, 3}
        assert [gpu for gpu, _ in order[:3]] == [1, 0, 3]
        assert len(set(launches)) == 9
        futures = [plan.submit(x) for x in xs]
        assert [f.result().tobytes() for f in futures] == [net(x).tobytes() for x in xs]


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        ("gpu:1", "devices is 'gpu:1', but the example is on 'gpu:0'; name that one too"),
        (["gpu:0", "gpu:0"], "unknown devices: .* different ones of 'gpu:0', 'gpu:1'"),
        (["cpu", "gpu:0"], "unknown devices"),
        ("cpu", "devices is 'cpu', but the example is on a GPU"),
    ],
)
def test_devices_that_do_not_fit(devices: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        st.plan(network(), to_device(X), devices=devices)


def test_what_is_not_there_yet() -> None:
    with st.plan(network(), to_device(X)) as plan:
        with pytest.raises(NotImplementedError, match="timeline is True, but steps on a GPU are not timed yet"):
            plan.stream(batches(), timeline=True)
        with pytest.raises(NotImplementedError, match="the inputs are on GPU 0, where stream does nothing"):
            list(plan.stream([to_device(X)]))
