"""Where arrays are, in host memory or on one of several GPUs: plans follow their inputs, parameters follow plans."""

import threading
from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.cuda.fake_cupy import module as cupy
from tests.cuda.fake_cupy import state, to_device, to_host
from tests.cuda.test_layers import X, network


def test_parameters_of_the_host_are_copied_once_and_when_they_change() -> None:
    net, x = network(), to_device(X)
    with st.plan(net, X, schedule="serial") as plan:
        expected = plan(X)
        before = state.waits
        assert to_host(plan(x)).tobytes() == expected.tobytes()
        assert to_host(plan(to_device(X[:2]))).tobytes() == expected[:2].tobytes()
        assert state.waits == before + 1
        net[5].weight = -net[5].weight
        assert to_host(plan(x)).tobytes() == net(X).tobytes() != expected.tobytes()
        assert state.waits == before + 2
        net.to_device()
        assert to_host(plan(x)).tobytes() == net.to_host()(X).tobytes()
        assert state.waits == before + 3  # for the scale and shift that are batch_norm


def test_some_parameters_of_a_fused_batch_norm_are_in_host_memory() -> None:
    net, x = network(), to_device(X)
    net.to_device()
    mean = np.linspace(-1, 1, 8, dtype="f4")
    for late in (False, True):
        with st.plan(net, x) as plan:
            if late:
                plan(x)
            net[1].running_mean = mean
            got = to_host(plan(x)).tobytes()
        assert got == net.to_host()(X).tobytes()
        net.to_device()
        mean = -mean


def test_a_plan_follows_its_arrays_gpu() -> None:
    net, x = network(), to_device(X, 2)
    expected = net(X)
    with st.plan(net, x) as plan:
        assert to_host(plan(x)).tobytes() == expected.tobytes()
        assert to_host(plan(to_device(X, 1))).tobytes() == expected.tobytes()
        assert {gpu for _, gpu, _ in _core.host_launches()} == {1, 2}
        assert state.device == 0


def test_arrays_in_several_places() -> None:
    net = network()
    with st.plan(lambda x, y: st.add(x, y), (X, X), schedule="serial") as plan:
        with pytest.raises(TypeError, match="inputs are not in one place: x0 is on GPU 0, x1 is in host memory"):
            plan(to_device(X), X)
        with pytest.raises(ValueError, match="inputs are on different GPUs: x0 is on GPU 0, x1 is on GPU 1"):
            plan(to_device(X), to_device(X, 1))
    net.to_device()
    with st.plan(net, to_device(X)) as plan:
        with pytest.raises(TypeError, match=r"plan: 0\.weight is on a GPU, the inputs are in host memory; move the"):
            plan(X)
        with pytest.raises(ValueError, match="plan: a constant is on GPU 0, not on GPU 1"):
            plan(to_device(X, 1))


def test_a_parameter_that_changes_while_others_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    net, weight, copying, changed = network(), network()[5].weight, threading.Event(), threading.Event()
    copy = cupy.asarray

    def slow(array: Any) -> Any:
        if not copying.is_set():
            copying.set()
            assert changed.wait(20)
        return copy(array)

    with st.plan(net, X, schedule="serial") as plan:
        plan(X)
        monkeypatch.setattr(cupy, "asarray", slow)
        thread = threading.Thread(target=lambda: plan(to_device(X)))
        thread.start()
        assert copying.wait(20)
        net[5].weight = -weight
        plan(X)
        changed.set()
        thread.join()
        assert to_host(plan(to_device(X))).tobytes() == net(X).tobytes()


def test_an_array_of_another_gpu_is_captured_where_it_is() -> None:
    x = X[:, :1]
    there = to_device(x, 1)
    with st.plan(lambda a: st.mul(a, to_device(x[:1], 1)), there) as plan:
        assert to_host(plan(there)).tobytes() == (x * x[:1]).tobytes()


def test_memory_is_told_of_where_it_was_planned() -> None:
    with st.plan(network(), X, schedule="data", workers=2) as plan:
        taken = plan.peak_bytes(5)
        with pytest.raises(NotImplementedError, match="on a GPU"):
            plan(to_device(X))
        assert plan.peak_bytes(5) == taken


def test_a_captured_stream_gets_no_work_on_memory_that_goes_back_to_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = network(), to_device(X)
    out, doubles = to_device(np.zeros_like(X)), to_device(X.astype("f8"))
    captured = [
        lambda: st.add(x, 2.0, out=out),  # the number becomes an array
        lambda: st.add(doubles, x),  # one operand is converted
        lambda: st.add(x, x, out=doubles),  # so is the result
        lambda: st.relu(x, out=x),  # it lies over its operand
    ]
    with st.plan(net, x) as plan, st.plan(network(), x) as other:
        expected = plan(x)
        monkeypatch.setattr(state, "is_capturing", True)
        for call in [*captured, lambda: plan(x), lambda: other(x)]:
            with pytest.raises(RuntimeError, match=r"the stream is being captured.*outside of the capture"):
                call()
        st.add(x, x, out=out)
        assert to_host(x).tobytes() == X.tobytes()
        monkeypatch.setattr(state, "is_capturing", False)
        assert to_host(out).tobytes() == (X + X).tobytes()
        assert to_host(plan(x)).tobytes() == to_host(expected).tobytes() == to_host(other(x)).tobytes()
