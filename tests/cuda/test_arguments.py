"""What a call makes of CuPy arrays: scalars, streams, devices, out, other libraries' arrays, and what it refuses."""

import subprocess
import sys
import types
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.cuda import memory
from tests.cuda.fake_cupy import module as cupy
from tests.cuda.fake_cupy import state, to_device, to_host

X = np.arange(12, dtype="f4").reshape(3, 4) / 7 - 0.5


def test_scalars_take_the_dtype_they_have_beside_numpy_arrays() -> None:
    x = to_device(X)
    for scalar in (2.5, 3, True, np.float32(0.1), np.float64(0.1)):
        result, expected = to_host(st.mul(x, scalar)), st.mul(X, scalar)
        assert (result.dtype, result.tobytes()) == (expected.dtype, expected.tobytes())
    assert to_host(st.add(to_device(X.astype("i4")), 2.5)).dtype == np.float64


def test_a_result_without_dimensions_stays_on_the_device() -> None:
    total = st.sum(to_device(X))
    assert type(total) is cupy.ndarray
    assert total.shape == ()
    assert to_host(total) == st.sum(X)


def test_empty_arrays() -> None:
    assert st.relu(to_device(np.empty((0, 3), "f4"))).shape == (0, 3)
    result = st.matmul(to_device(np.empty((2, 0), "f4")), to_device(np.empty((0, 3), "f4")))
    assert to_host(result).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_the_current_stream_and_device_are_used() -> None:
    x = to_device(X, device=3)
    state.stream = 0x7000
    st.softmax(x)
    assert {(device, stream) for _, device, stream in _core.host_launches()} == {(3, 0x7003)}
    assert state.device == 0


def test_the_device_is_the_old_one_after_an_error() -> None:
    x = to_device(X, device=2)
    with pytest.raises(ValueError, match="inner dimensions differ"):
        st.matmul(x, x)
    assert state.device == 0


def test_unaligned_arrays_are_copied() -> None:
    raw = np.zeros(4 * X.size + 1, "u1")
    odd = np.ndarray(X.shape, "f4", raw, 1)
    odd[...] = X
    x = to_device(odd)
    assert x.data.ptr % 4 != 0
    assert to_host(st.relu(x)).tobytes() == st.relu(X).tobytes()


class Exporter:
    """Another library's array on a GPU."""

    def __init__(self, array: Any) -> None:
        self.array = array


class DLPackExporter(Exporter):
    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)

    def __dlpack__(self, **_: object) -> object:
        raise AssertionError("CuPy's business")


class InterfaceExporter(Exporter):
    __cuda_array_interface__ = {"version": 3}  # noqa: RUF012


@pytest.mark.parametrize("kind", [DLPackExporter, InterfaceExporter])
def test_other_libraries_arrays_go_through_cupy(kind: Any) -> None:
    result = st.add(kind(to_device(X)), to_device(X))
    assert type(result) is cupy.ndarray
    assert to_host(result).tobytes() == (X + X).tobytes()


def test_host_dlpack_arrays_stay_numpy() -> None:
    class HostArray(np.lib.mixins.NDArrayOperatorsMixin):
        __dlpack_device__ = staticmethod(lambda: (1, 0))
        __array__ = staticmethod(lambda dtype=None, copy=None: X)

    assert isinstance(st.relu(HostArray()), np.ndarray)


@pytest.mark.parametrize(
    ("other", "kind"),
    [(X.T.copy(), "a NumPy array"), ([[1.0] * 3] * 4, "a list"), (st.prepare(X.T.copy()), "a prepared weight")],
)
def test_host_and_device_arrays_do_not_mix(other: Any, kind: str) -> None:
    x = to_device(X)
    wanted = f"matmul: operands are not in one place: a is a CuPy array on GPU 0, b is {kind} in host memory; "
    with pytest.raises(TypeError) as error:
        st.matmul(x, other)
    assert str(error.value) == wanted + "move it with cupy.asarray, or the other with cupy.asnumpy"
    with pytest.raises(TypeError, match=f"b is a CuPy array on GPU 0, a is {kind} in host memory"):
        st.matmul(other, x)


def test_arrays_of_two_devices_do_not_mix() -> None:
    with pytest.raises(
        ValueError, match="add: arrays are on different GPUs: a is on GPU 0, b is on GPU 1; copy one of"
    ):
        st.add(to_device(X), to_device(X, device=1))


ERRORS = [
    (lambda x: st.matmul(x(X), x(X)), ValueError),
    (lambda x: st.conv2d(x(X), x(X)), ValueError),
    (lambda x: st.layer_norm(x(X), x(X)), ValueError),
    (lambda x: st.softmax(x(X.astype("i4"))), TypeError),
    (lambda x: st.relu(x(X.astype("c8"))), TypeError),
    (lambda x: st.relu(x(X), out=x(np.empty((3, 5), "f4"))), ValueError),
    (lambda x: st.relu(x(X), out=x(np.empty((3, 4), "i4"))), TypeError),
    (lambda x: st.relu(x(X), threads=0), ValueError),
    (lambda x: st.add(x(X.astype("f2")), x(np.zeros(4, "bfloat16"))), TypeError),
    (lambda x: st.transpose(x(np.zeros((1,) * 13, "f4"))), ValueError),
]


@pytest.mark.parametrize(("call", "kind"), ERRORS)
def test_errors_are_those_of_numpy_arrays(call: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as expected:
        call(lambda x: x)
    with pytest.raises(kind) as error:
        call(to_device)
    assert str(error.value) == str(expected.value)
    assert _core.host_launches() == []


def test_out_of_the_other_kind() -> None:
    with pytest.raises(TypeError, match="out must be a CuPy array, as the operands are: it is a NumPy array"):
        st.relu(to_device(X), out=np.empty_like(X))
    with pytest.raises(
        TypeError, match="out must be a NumPy array: it is a CuPy array, the operands are in host memory"
    ):
        st.relu(X, out=to_device(X))
    with pytest.raises(ValueError, match="an operand is on GPU 0, out is on GPU 1"):
        st.relu(to_device(X), out=to_device(X, device=1))


def test_out_that_overlaps_is_broadcast_to_or_is_of_another_dtype() -> None:
    x = to_device(X)
    assert st.softmax(x, out=x) is x
    assert to_host(x).tobytes() == st.softmax(X).tobytes()
    wider, taller = to_device(np.zeros((3, 4), "f8")), to_device(np.zeros((2, 3, 4), "f4"))
    st.relu(to_device(X), out=wider)
    assert to_host(wider).tobytes() == st.relu(X, out=np.zeros((3, 4))).tobytes()
    st.relu(to_device(X), out=taller)
    assert to_host(taller).tobytes() == st.relu(X, out=np.zeros((2, 3, 4), "f4")).tobytes()
    half, float32 = X.astype("f2"), to_device(np.zeros((3, 3), "f4"))
    st.matmul(to_device(half), to_device(half.T), out=float32)  # without the rounding to 16 bits
    assert to_host(float32).tobytes() == st.matmul(half, half.T, out=np.zeros((3, 3), "f4")).tobytes()


def test_what_would_have_to_be_looked_at() -> None:
    """Waiting for the device to look at values is not done behind anybody's back."""
    i = to_device(np.arange(4))
    with pytest.raises(NotImplementedError, match="pow: there is no CUDA kernel for signed integer exponents"):
        st.pow(i, i)
    taken = to_host(st.take(to_device(X), to_device(np.array([0, -1, 7, -9]))))
    assert taken.tolist() == [X[0].tolist(), X[2].tolist(), [0] * 4, [0] * 4]


def test_a_prepared_weight_is_the_hosts() -> None:
    with pytest.raises(NotImplementedError, match="prepare: w is a CuPy array on a GPU"):
        st.prepare(to_device(X))


def test_cuda_rows_are_for_devices_and_the_others_for_the_host() -> None:
    def call(array: Any, variant: str) -> Any:
        return _core.op("matmul")((array(X), array(X.T), None, None, None, None), {}, None, None, variant)

    assert to_host(call(to_device, "matmul_cuda")).tobytes() == call(np.asarray, "matmul_reference").tobytes()
    for array, variant in ((to_device, "matmul_reference"), (np.asarray, "matmul_cuda")):
        with pytest.raises(NotImplementedError, match=f"{variant}: this variant does not fit the arguments"):
            call(array, variant)
    assert ("matmul_cuda", "cuda", False) in _core.op("matmul").variants


def test_without_kernels_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    _core.set_cuda_table(None)
    monkeypatch.setattr("stretto.cuda.load", lambda: "there is no driver")
    with pytest.raises(NotImplementedError) as error:
        st.relu(to_device(X))
    assert str(error.value) == (
        "relu: x is on a GPU, where nothing can run: there is no driver; copy the arrays to the host with cupy.asnumpy"
    )
    assert st.cuda_available() is False


def test_without_cupy_a_device_array_is_refused_and_cupy_not_imported() -> None:
    code = """
import sys, stretto as st
class Tensor:
    def __dlpack_device__(self): return (2, 0)
st._core.use_host_table(0, 0)
try:
    st.relu(Tensor())
except NotImplementedError as error:
    print(error)
print("cupy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1] == "False"
    assert "relu: x is on a GPU (a __main__.Tensor), where memory is taken from CuPy, which is not imported" in lines[0]


def test_the_capsule_must_be_the_kernels() -> None:
    with pytest.raises((ValueError, TypeError)):
        _core.set_cuda_table(SimpleNamespace())


def test_the_memory_is_closed_to_the_host() -> None:
    """The tests would notice host code that touches the device's memory."""
    code = "import ctypes\nfrom tests.cuda import memory\nmemory._protect(0)\nctypes.string_at(memory.BEGIN, 1)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode != 0
    assert memory.allocator.used <= memory.BYTES


def test_a_cupy_whose_import_is_under_way_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    half = types.ModuleType("cupy")
    half.from_dlpack = half.cuda = None
    for module in (types.ModuleType("cupy"), half):
        monkeypatch.setitem(sys.modules, "cupy", module)
        assert st.matmul([[1.0]], [[2.0]]) == 2
        assert st.Linear(2, 3, rng=0)(np.ones((1, 2), "f4")).shape == (1, 3)
