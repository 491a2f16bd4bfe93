"""Structural ops: equal to NumPy's functions, element for element."""

import doctest
import sys

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays
from stretto import _core

DTYPES = ["?", "i1", "u1", "i2", "f2", ml_dtypes.bfloat16, "i4", "u4", "f4", "i8", "u8", "f8"]


def ramp(shape, dtype="f4"):
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("module", ["shape", "take"])
def test_examples(module):
    assert doctest.testmod(sys.modules[f"stretto.ops.{module}"]).failed == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 7), (1, 0)),
        ((64, 130), (1, 0)),
        ((3, 17, 33), (0, 2, 1)),
        ((3, 17, 33), (2, 0, 1)),
        ((2, 3, 5, 8), (3, 1, 0, 2)),
        ((2, 1, 4, 1), (3, 2, 1, 0)),
        ((0, 3), (1, 0)),
        ((), ()),
    ],
)
def test_transpose(dtype, shape, axes):
    x = ramp(shape, dtype)
    np.testing.assert_array_equal(st.transpose(x, axes), x.transpose(axes))
    np.testing.assert_array_equal(st.transpose(x), x.T)
    assert not np.shares_memory(st.transpose(x), x)


@pytest.mark.parametrize("dtype", ["u1", "f2", "f4", "f8"])
def test_large_transposes_of_strided_views_with_threads(dtype):
    x = (ramp((3, 700, 1100), "i4") % 251).astype(dtype)[:, ::2, 1::3]
    expected = np.ascontiguousarray(x.transpose(2, 0, 1))
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(st.transpose(x, (2, 0, 1), threads=threads), expected)
    out = np.zeros((3, 700, 1100), dtype).transpose(1, 0, 2)[::2, :, 1::3]
    st.transpose(x[::-1], (1, 0, 2), out=out)
    np.testing.assert_array_equal(out, x[::-1].transpose(1, 0, 2))


@given(data=some.data())
@settings(max_examples=150, deadline=None)
def test_reshape_of_any_view(data):
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))
    x = ramp(shape)
    x = x.transpose(data.draw(some.permutations(range(x.ndim))))
    x = x[tuple(slice(None, None, data.draw(some.sampled_from([1, 1, -1, 2]))) for _ in range(x.ndim))]
    sizes = [n for n in range(1, x.size + 1) if x.size % n == 0] or [1]
    first = data.draw(some.sampled_from(sizes))
    second = data.draw(some.sampled_from([n for n in sizes if (x.size // first) % n == 0] or [1]))
    if x.size == 0:
        np.testing.assert_array_equal(st.reshape(x, (0, 3)), x.reshape(0, 3))
        return
    np.testing.assert_array_equal(st.reshape(x, (first, second, -1)), x.reshape(first, second, -1))
    out = np.empty((x.size // first, first), "f4").T
    np.testing.assert_array_equal(st.reshape(x, (first, -1), out=out), x.reshape(first, -1))


def test_flatten():
    x = ramp((2, 3, 4, 5))
    for start in (-4, 0, 1, 2, 3, 4):
        np.testing.assert_array_equal(
            st.flatten(x, start), x.reshape(*x.shape[: start if start >= 0 else start + 4], -1)
        )
    assert st.flatten(np.float32(3), 0).shape == (1,)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_concat(dtype, axis):
    shapes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
    for i, shape in enumerate(shapes):
        shape[axis] = (5, 0, 3)[i]
    parts = [ramp(shape, dtype) for shape in shapes]
    np.testing.assert_array_equal(st.concat(parts, axis=axis), np.concatenate(parts, axis=axis))
    parts[0] = parts[0][::-1]
    out = np.empty_like(np.concatenate(parts, axis=axis)).T.copy().T
    assert st.concat(parts, axis=axis, out=out) is out
    np.testing.assert_array_equal(out, np.concatenate(parts, axis=axis))


def test_concat_promotes():
    parts = [ramp((2, 3), "i2"), ramp((4, 3), "f4"), ramp((1, 3), "?")]
    result = st.concat(parts)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.concatenate(parts))


def test_split():
    x = ramp((6, 8, 5), "i4")
    for sections, axis in [(3, 0), (4, 1), (5, -1), (1, 0), ([2, 3], 1), ([-2], 0), ([4, 2, 20], 1), ([], 2)]:
        mine, numpys = st.split(x, sections, axis=axis), np.split(x, sections, axis=axis)
        assert len(mine) == len(numpys)
        for a, b in zip(mine, numpys, strict=True):
            assert not np.shares_memory(a, x)
            np.testing.assert_array_equal(a, b)


@given(data=some.data())
@settings(max_examples=80, deadline=None)
def test_pad(data):
    dtype = data.draw(some.sampled_from(["f4", "f8", "i2", "u1"]))
    x = ramp(data.draw(arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)), dtype)
    value = data.draw(some.integers(0, 255 if dtype == "u1" else 300))
    width = some.integers(0, 3)
    widths = data.draw(
        some.one_of(
            width,
            some.tuples(width, width),
            some.tuples(some.tuples(width, width)),
            some.tuples(*[some.tuples(width, width)] * x.ndim),
        )
    )
    if x.ndim == 2 and isinstance(widths, tuple) and isinstance(widths[0], tuple) and len(widths) == 1:
        widths = widths * 2
    np.testing.assert_array_equal(st.pad(x, widths, value=value), np.pad(x, widths, constant_values=value))


def test_pad_with_special_values():
    x = ramp((2, 2))
    assert np.isnan(st.pad(x, 1, value=np.nan)[0, 0])
    assert st.pad(x, 1, value=-np.inf)[0, 0] == -np.inf
    assert np.signbit(st.pad(x, 1, value=-0.0)[0, 0])
    assert st.pad(ramp((2,), "i8"), 1, value=-(2**63))[0] == -(2**63)
    with pytest.raises(ValueError, match=r"^pad: value does not fit the dtype: value is 0.5, x is int32; "):
        st.pad(ramp((2,), "i4"), 1, value=0.5)
    for dtype, value in [("i1", 128), ("i1", -129), ("u1", -1), ("i4", np.nan), ("i8", 1e30), ("?", 2)]:
        with pytest.raises(ValueError, match="does not fit"):
            st.pad(ramp((2,), dtype), 1, value=value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_take(dtype, axis):
    x = ramp((4, 5, 6), dtype)
    for indices in ([0, 3, -1, -4, 2, 2], [[1, 2], [3, 0]], 2, [], np.array([1, 0], "u1")):
        indices = np.asarray(indices, None if np.size(indices) else int)
        np.testing.assert_array_equal(st.take(x, indices, axis=axis), np.take(x, indices, axis=axis))
        np.testing.assert_array_equal(st.take(x[:, ::-1], indices, axis=axis), np.take(x[:, ::-1], indices, axis=axis))


def test_embedding_and_its_gradient():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((50, 130)).astype("f4")
    ids = rng.integers(-50, 50, (40, 60))
    for threads in (1, 3):
        np.testing.assert_array_equal(st.embedding(table, ids, threads=threads), table[ids])
    for dtype in ("f4", "f8"):
        grad = rng.standard_normal((40, 60, 130)).astype(dtype)
        expected = np.zeros((50, 130), dtype)
        np.add.at(expected, ids, grad)
        for threads in (1, 3):
            result = st.take_gradient(grad, ids, table, threads=threads)
            assert result.dtype == dtype
            np.testing.assert_array_equal(result, expected)
    half = (grad * 0.1).astype("f2")
    exact = np.zeros((50, 130), "f4")
    np.add.at(exact, ids, half.astype("f4"))
    np.testing.assert_array_equal(st.take_gradient(half, ids, table), exact.astype("f2"))


def test_take_gradient_along_an_inner_axis():
    rng = np.random.default_rng(1)
    x, indices = rng.standard_normal((3, 5, 7)), np.array([[0, 4], [4, -1]])
    grad = rng.standard_normal((3, 2, 2, 7))
    expected = np.zeros_like(x)
    for k in np.ndindex(2, 2):
        expected[:, indices[k]] += grad[(slice(None), *k)]
    np.testing.assert_array_equal(st.take_gradient(grad, indices, x, axis=1), expected)


GIANT = np.broadcast_to(np.float32(1), (2**30, 2**30))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: st.concat([]), "concat: no arrays"),
        (
            lambda: st.concat([ramp((2, 3)), ramp((3, 2))]),
            r"concat: shapes differ: array 0 is \(2, 3\), array 1 is \(3, 2\); they must be equal on all axes",
        ),
        (lambda: st.concat([ramp((2,)), ramp((2, 2))]), "concat: shapes differ"),
        (lambda: st.concat([ramp((2,))], axis=1), "concat: axis is out of range: axis is 1, the array has 1 dim"),
        (lambda: st.concat([GIANT, GIANT]), "concat: the result is too large"),
        (lambda: st.split(ramp((5,)), 2), "split: sections do not divide the axis: 2 sections of axis 0 with 5"),
        (lambda: st.split(ramp((5,)), 0), "split: sections do not divide"),
        (lambda: st.split(ramp((5,)), 5, axis=2), "split: axis is out of range"),
        (lambda: st.pad(ramp((2, 2)), -1), r"pad: negative padding: \(-1, -1\); it must be 0 or more"),
        (lambda: st.pad(ramp((2, 2)), ((1, 1),) * 3), r"pad: wrong number of pairs: pad_width has 3, x is \(2, 2\)"),
        (lambda: st.pad(ramp((2, 2)), 2**62), "pad: .* too large"),
        (lambda: st.pad(ramp((2, 2)), 2**40), "pad: the result is too large"),
        (lambda: st.transpose(ramp((2, 2)), (0, 0)), "transpose: repeated axis: 0"),
        (lambda: st.transpose(ramp((2, 2)), (0,)), "transpose: wrong number of axes"),
        (lambda: st.transpose(ramp((2, 2)), (0, 2)), "transpose: axes is out of range"),
        (lambda: st.transpose(GIANT), "transpose: the result is too large"),
        (lambda: st.reshape(ramp((2, 3)), (4, 2)), r"reshape: sizes differ: x is \(2, 3\) with 6 elements, shape is"),
        (lambda: st.reshape(ramp((2, 3)), (4, -1)), r"reshape: sizes differ.*shape is \(4, -1\)"),
        (lambda: st.reshape(ramp((2, 3)), (-1, -1)), "reshape: malformed shape"),
        (lambda: st.reshape(ramp((2, 3)), (-2, 3)), "reshape: malformed shape"),
        (lambda: st.reshape(ramp((2, 3)), (2**62, 4)), "reshape: sizes differ"),
        (lambda: st.reshape(ramp((0, 3)), (0, -1)), "reshape: sizes differ"),
        (lambda: st.flatten(ramp((2, 3)), 3), "flatten: start_axis is out of range"),
        (
            lambda: st.take(ramp((3,)), [0, 3]),
            r"take: index is out of range: indices\[1\] is 3, the axis has 3",
        ),
        (lambda: st.take(ramp((3,)), [-4]), "take: index is out of range"),
        (lambda: st.take(ramp((3,)), np.array([2**64 - 1], "u8")), "take: index is out of range"),
        (lambda: st.take(ramp((3,)), [0], axis=1), "take: axis is out of range"),
        (lambda: st.take_gradient(ramp((3, 2)), [0, 1], ramp((4, 2))), "take_gradient: grad has the wrong shape"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{text}"):
        call()


def test_wrong_kinds():
    with pytest.raises(TypeError, match=r"^take: indices must be integers: they are float64"):
        st.take(ramp((3,)), [0.5])
    with pytest.raises(TypeError, match=r"^take_gradient: grad must be floats"):
        st.take_gradient(ramp((1,), "i4"), [0], ramp((3,)))
    with pytest.raises(TypeError, match=r"^concat: no common dtype"):
        st.concat([ramp((3,), "f2"), ramp((3,), ml_dtypes.bfloat16)])
    out = np.full(2, 7, "f4")
    with pytest.raises(ValueError, match="out of range"):
        st.take(ramp((3,)), [0, 9], out=out)
    assert (out == 7).all()


def test_slice_op():
    x = ramp((6, 7, 8))
    op = _core.op("slice")
    end = 2**63 - 1
    for key in [
        (slice(1, 5), slice(None), slice(0, end, 2)),
        (slice(-3, None), slice(None, -2), slice(None, None, 3)),
        (slice(5, None, -2), slice(6, 1, -1), slice(3, 3)),
        (slice(10, 20), slice(None), slice(None)),
    ]:
        attributes = {
            "start": tuple(s.start if s.start is not None else 0 for s in key),
            "stop": tuple(s.stop if s.stop is not None else (end if (s.step or 1) > 0 else -end) for s in key),
            "step": tuple(s.step or 1 for s in key),
        }
        np.testing.assert_array_equal(op((x,), attributes), x[key])


@pytest.mark.parametrize(
    ("name", "types", "axes", "attributes", "expected"),
    [
        ("concat", [("float32", (4, 3)), ("float32", (4, 2))], [0, 0], {"axis": 1}, 0),
        ("concat", [("float32", (4, 3)), ("float32", (4, 3))], [0, 0], {"axis": 0}, _core.MIXES_SAMPLES),
        ("concat", [("float32", (4, 3)), ("float32", (4, 3))], [0, -1], {"axis": 1}, _core.MIXES_SAMPLES),
        ("split", [("float32", (4, 6))], [0], {"axis": 1, "sections": 2}, 0),
        ("split", [("float32", (4, 6))], [0], {"axis": 0, "sections": 2}, _core.MIXES_SAMPLES),
        ("transpose", [("float32", (4, 6, 2))], [0], {"axes": (2, 0, 1)}, 1),
        ("reshape", [("float32", (4, 6, 2))], [0], {"shape": (-1, 12)}, 0),
        ("reshape", [("float32", (4, 6, 2))], [0], {"shape": (4, 12)}, _core.MIXES_SAMPLES),
        ("reshape", [("float32", (4, 6, 2))], [0], {"shape": (-1, 2)}, _core.MIXES_SAMPLES),
        ("reshape", [("float32", (6, 4, 2))], [1], {"shape": (2, 3, -1, 2)}, 2),
        ("flatten", [("float32", (4, 6, 2))], [0], {}, 0),
        ("flatten", [("float32", (4, 6, 2))], [1], {}, _core.MIXES_SAMPLES),
        ("flatten", [("float32", (4, 6, 2))], [0], {"start_axis": 0}, _core.MIXES_SAMPLES),
        ("pad", [("float32", (4, 6))], [0], {"pad_width": ((0, 0), (1, 1))}, 0),
        ("pad", [("float32", (4, 6))], [0], {"pad_width": 1}, _core.MIXES_SAMPLES),
        ("take", [("float32", (9, 6)), ("int64", (4, 5))], [-1, 0], {"axis": 0}, 0),
        ("take", [("float32", (9, 6)), ("int64", (4, 5))], [0, -1], {"axis": 1}, 0),
        ("take", [("float32", (9, 6)), ("int64", (4, 5))], [0, -1], {"axis": 0}, _core.MIXES_SAMPLES),
        ("slice", [("float32", (9, 6))], [0], {"start": (0, 1)}, 0),
        ("slice", [("float32", (9, 6))], [0], {"start": (1, 1)}, _core.MIXES_SAMPLES),
    ],
)
def test_batch_axis(name, types, axes, attributes, expected):
    assert _core.op(name).batch_axis(types, axes, attributes) == expected
