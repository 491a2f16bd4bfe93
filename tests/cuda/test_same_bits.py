"""Every op on CuPy arrays: the results have the bits of NumPy's, and no host code touches the device's memory."""

from typing import Any

import numpy as np
import pytest
from stretto import _core

from tests.cuda import memory
from tests.cuda.cases import CASES, draw
from tests.cuda.fake_cupy import module as cupy
from tests.cuda.fake_cupy import state, to_device, to_host

CALLS = [
    pytest.param(name, inputs, attributes, dtype, id=f"{name}-{number}-{np.dtype(dtype).name}")
    for name, cases in CASES.items()
    for number, (inputs, attributes, dtypes) in enumerate(cases)
    for dtype in dtypes
]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def turned(x: np.ndarray | None) -> np.ndarray | None:
    """The same elements with other strides: axes in reverse order, the first one backwards, gaps between."""
    if x is None or x.ndim == 0:
        return x
    room = np.zeros(tuple(2 * n for n in reversed(x.shape)), x.dtype)
    view = room[tuple(slice(None, None, 2) for _ in x.shape)].T
    view = view[::-1]
    view[...] = x
    return view


def results_of(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def test_there_is_a_case_for_every_op() -> None:
    assert set(CASES) == set(_core.op_names())


@pytest.mark.parametrize("layout", [lambda x: x, turned], ids=["plain", "turned"])
@pytest.mark.parametrize(("name", "inputs", "attributes", "dtype"), CALLS)
def test_same_bits(name: str, inputs: Any, attributes: Any, dtype: Any, layout: Any) -> None:
    rng = np.random.default_rng(len(name))
    arrays = [layout(draw(rng, shape, dtype)) for shape in inputs]
    op = _core.op(name)
    expected = results_of(op(tuple(arrays), attributes))
    given = tuple(None if x is None else to_device(x) for x in arrays)
    results = results_of(op(given, attributes))
    assert all(type(r) is cupy.ndarray for r in results)
    assert [same(to_host(r), np.asarray(e)) for r, e in zip(results, expected, strict=True)] == [True] * len(results)
    launches = _core.host_launches()
    assert launches
    assert {(device, stream) for _, device, stream in launches} == {(0, state.stream)}


@pytest.mark.parametrize(("name", "inputs", "attributes", "dtype"), CALLS)
def test_out(name: str, inputs: Any, attributes: Any, dtype: Any) -> None:
    """Into arrays of other strides, the same object back."""
    rng = np.random.default_rng(len(name))
    arrays = [draw(rng, shape, dtype) for shape in inputs]
    op = _core.op(name)
    expected = [np.asarray(e) for e in results_of(op(tuple(arrays), attributes))]
    out = tuple(to_device(turned(np.zeros_like(e))) for e in expected)
    given = tuple(None if x is None else to_device(x) for x in arrays)
    results = results_of(op(given, attributes, out))
    assert all(r is o for r, o in zip(results, out, strict=True))
    assert all(same(to_host(r), e) for r, e in zip(results, expected, strict=True))


def test_temporaries_are_given_back() -> None:
    x = to_device(np.ones((8, 4, 9, 7), "f2"))
    w, (mean, var) = to_device(np.ones((5, 4, 3, 3), "f4")), (to_device(np.ones(4, "f4")) for _ in range(2))
    before = memory.allocator.live
    _core.op("conv2d")((x, w, None, None, None, None), {})
    _core.op("batch_norm_gradient")((x, x, None, mean, var), {})
    assert memory.allocator.live == before
