"""Programs and plans on CuPy arrays: the bits of the host's, on the user's stream, and nothing waits."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.cuda import memory
from tests.cuda.cases import CASES, draw
from tests.cuda.fake_cupy import module as cupy
from tests.cuda.fake_cupy import state, to_device, to_host
from tests.cuda.test_layers import X, network
from tests.cuda.test_same_bits import results_of, turned
from tests.execute.networks import BLOCKS
from tests.execute.networks import network as random_network


@pytest.mark.parametrize("options", [{}, {"schedule": "serial"}, {"schedule": "depth_first", "micro_batch": 2}])
def test_a_plan_has_the_bits_of_the_host(options: Any) -> None:
    net = network()
    expected = [net(X[:n]) for n in (5, 1, 3)]
    net.to_device()
    state.stream = 0x7700
    with st.plan(net, to_device(X), **options) as plan:
        plan(to_device(X))
        _core.host_launches()
        before = state.waits
        for wanted in expected:
            result = plan(to_device(X[: len(wanted)]))
            assert type(result) is cupy.ndarray
            assert to_host(result).tobytes() == wanted.tobytes()
        assert state.waits == before
        launches = _core.host_launches()
        assert len(launches) >= 3 * 5  # of each a replay of four steps or more
        assert {(gpu, stream) for _, gpu, stream in launches} == {(0, 0x7700)}
        assert plan.peak_bytes(3) > 0


@pytest.mark.parametrize("name", CASES)
def test_every_op_in_a_program(name: str) -> None:
    rng = np.random.default_rng(3)
    op = _core.op(name)
    for inputs, attributes, dtypes in CASES[name]:
        arrays = [draw(rng, shape, dtypes[0]) for shape in inputs]
        expected = results_of(op(tuple(arrays), attributes))

        def call(*given: Any, arrays: Any = arrays, attributes: Any = attributes) -> Any:
            rest = iter(given)
            return op(tuple(None if x is None else next(rest) for x in arrays), attributes)

        examples = [to_device(x) for x in arrays if x is not None]
        program = st.trace(call, *examples, batch_axes=[None] * len(examples))
        strided = [to_device(turned(x)) for x in arrays if x is not None]
        with st.plan(program, tuple(examples)) as plan:
            for given, is_replayed in ((examples, True), (strided, all(x._c_contiguous for x in strided))):
                _core.host_launches()
                results = results_of(plan(*given))
                kernels = [kernel for kernel, _, _ in _core.host_launches()]
                assert ("replay" in kernels) == is_replayed
                for result, wanted in zip(results, expected, strict=True):
                    assert to_host(result).tobytes() == np.asarray(wanted).tobytes()
                    assert result.dtype == np.asarray(wanted).dtype


@settings(max_examples=25, deadline=None)
@given(BLOCKS, some.integers(1, 5), some.integers(1, 3))
def test_random_networks(blocks: Any, samples: int, micro_batch: int) -> None:
    f = random_network(blocks, 5)
    x = np.random.default_rng(samples).standard_normal((samples, 2, 6, 6)).astype("f4")
    with st.plan(f, x, schedule="serial") as plan:
        expected = plan(x)
    program = st.trace(f, to_device(x))
    for options in ({}, {"schedule": "depth_first", "micro_batch": micro_batch}):
        with st.plan(program, to_device(x), **options) as plan:
            assert to_host(plan(to_device(x))).tobytes() == expected.tobytes()


def test_inputs_of_other_strides_and_results_that_no_step_writes() -> None:
    def f(x: Any) -> Any:
        y = st.relu(x)
        return x, y, y, st.reshape(x, (x.shape[0], -1))

    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 5, 6)).astype("f4").transpose(0, 2, 1)
    with st.plan(f, to_device(x)) as plan:
        results = plan(to_device(x))
    assert len({r.data.ptr for r in results}) == 4
    for result, wanted in zip(results, (x, st.relu(x), st.relu(x), x.reshape(4, -1)), strict=True):
        assert to_host(result).tobytes() == np.ascontiguousarray(wanted).tobytes()


def test_the_memory_of_a_call_is_given_back() -> None:
    net = network().to_device()
    x = to_device(X)
    with st.plan(net, x) as plan:
        plan(x)
        before = memory.allocator.live
        for _ in range(3):
            plan(x)
        assert memory.allocator.live == before


def test_captured_arrays_and_scalars() -> None:
    c = to_device(np.float32([1, 2, 3]))

    def f(x: Any) -> Any:
        return x * c * 2.5 + 1

    x = np.random.default_rng(0).standard_normal((4, 3)).astype("f4")
    program = st.trace(f, to_device(x))
    with st.plan(program, to_device(x)) as plan:
        wanted = x * np.float32([1, 2, 3]) * np.float32(2.5) + 1
        assert to_host(plan(to_device(x))).tobytes() == wanted.tobytes()
    assert program == st.trace(f, to_device(x))


ERRORS: list[tuple[Callable[[Any], tuple[Any, ...]], type[Exception]]] = [
    (lambda x: (x(X.astype("f8")),), TypeError),
    (lambda x: (x(X[:, :2]),), ValueError),
    (lambda x: (x(X), x(X)), TypeError),
]


@pytest.mark.parametrize(("arrays", "kind"), ERRORS)
def test_errors_are_those_of_numpy_arrays(arrays: Any, kind: type[Exception]) -> None:
    with st.plan(network(), X, schedule="serial") as plan:
        with pytest.raises(kind) as expected:
            plan(*arrays(lambda x: x))
        with pytest.raises(kind) as error:
            plan(*arrays(to_device))
    assert str(error.value) == str(expected.value)
    assert _core.host_launches() == []


def test_what_runs_on_the_cpu_only() -> None:
    net, x = network().to_device(), to_device(X)
    for schedule in ("data", st.Choice("pipeline", 2)):
        with pytest.raises(NotImplementedError, match=r"plan: the schedule .* does not run on a GPU yet: there is one"):
            st.plan(net, x, schedule=schedule)
    with pytest.raises(ValueError, match="memory_limit is too small: 1 bytes; the arena of serial takes"):
        st.plan(net, x, memory_limit=1)
    with st.plan(net, x) as plan:
        for call in (lambda: list(plan.stream([x])), lambda: plan.timeline(x)):
            with pytest.raises(NotImplementedError, match="the inputs are on GPU 0, where"):
                call()
    with pytest.raises(ValueError, match="the plan is closed"):
        plan(x)
    with (
        st.plan(network(), X, schedule="data", workers=2) as plan,
        pytest.raises(NotImplementedError, match="on a GPU a plan has one worker, the stream: this one has 2"),
    ):
        plan(x)


def test_the_allocators_error_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    class OutOfMemory(MemoryError):
        pass

    net, x = network().to_device(), to_device(X)
    real, left = cupy.cuda.alloc, 0

    def alloc(size: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OutOfMemory("no more")
        return real(size)

    allocator(monkeypatch, alloc)
    with st.plan(net, x) as plan:
        left = 10**6
        expected = to_host(plan(x))
        left = 0
        with pytest.raises(OutOfMemory, match="no more"):
            plan(x)
        left = 10**6
        assert to_host(plan(x)).tobytes() == expected.tobytes()


def allocator(patch: Any, alloc: Any) -> None:
    """Another allocator: stretto looks CuPy's functions up once for a module, so it is another module too."""
    other = types.ModuleType("cupy")
    vars(other).update(vars(cupy))
    other.cuda = types.SimpleNamespace(**{**vars(cupy.cuda), "alloc": alloc})
    patch.setitem(__import__("sys").modules, "cupy", other)


def test_calls_may_come_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """The allocator is Python: while a call waits for memory, another thread may run the same plan."""
    net = network().to_device()
    first, second = to_device(X), to_device(X[::-1].copy())
    with st.plan(net, first) as plan:
        expected, other = to_host(plan(first)), to_host(plan(second))
        depth, seen = 0, []

        def alloc(size: int) -> Any:
            nonlocal depth
            if depth == 0:
                depth = 1
                seen.append(to_host(plan(second)))
                depth = 0
            return real(size)

        real = cupy.cuda.alloc
        allocator(monkeypatch, alloc)
        result = to_host(plan(first))
    assert result.tobytes() == expected.tobytes()
    assert seen
    assert all(y.tobytes() == other.tobytes() for y in seen)


@pytest.mark.parametrize("options", [{"devices": "cpu"}, {"workers": 8}, {"threads": 4}])
def test_options_that_a_gpu_has_no_use_for(options: Any) -> None:
    with pytest.raises((ValueError, NotImplementedError), match=next(iter(options))):
        st.plan(network(), to_device(X), **options)
