"""attention: bits of every variant, of blocks and of threads; its meaning against plain NumPy; errors."""

import doctest
import sys

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.kernels.test_pool import same

CASES = [
    ((2, 3, 5, 8), (2, 3, 7, 8), (2, 3, 7, 4)),
    ((1, 4), (1, 4), (1, 4)),
    ((4, 150, 16), (1, 33, 16), (33, 9)),
    ((2, 300, 32), (2, 300, 32), (2, 300, 32)),
    ((3, 8), (9000, 8), (9000, 5)),
    ((2, 3, 0), (2, 6, 0), (2, 6, 2)),
]


def draw(shapes, dtype):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def in_float64(q, k, v, mask, scale, causal):
    z = q.astype("f8") @ k.astype("f8").swapaxes(-1, -2) * scale
    if mask is not None:
        z = z + (np.where(mask, 0, -np.inf) if mask.dtype == bool else mask)
    if causal:
        z = np.where(np.tri(*z.shape[-2:], dtype=bool), z, -np.inf)
    e = np.exp(z - z.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)) @ v.astype("f8")


def test_examples():
    assert doctest.testmod(sys.modules["stretto.ops.attention"]).failed == 0


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16])
@pytest.mark.parametrize("shapes", CASES)
@pytest.mark.parametrize("options", [{}, {"causal": True}, {"scale": 0.3}])
@pytest.mark.parametrize("masked", [None, "bool", "float"])
def test_variants_and_meaning(shapes, dtype, options, masked):
    q, k, v = draw(shapes, dtype)
    mask = None
    if masked:
        mask = np.random.default_rng(1).random((q.shape[-2], k.shape[-2]))
        mask = mask > 0.3 if masked == "bool" else mask.astype(dtype)
        if masked == "bool":
            mask[:, 0] = True
    op = _core.op("attention")
    expected = op((q, k, v, mask), options, None, 1, "attention_reference")
    for name, arch, present in op.variants:
        if present and (dtype in ("f4", "f8") or arch == "reference"):
            assert same(op((q, k, v, mask), options, None, 1, name), expected)
    assert same(st.attention(q, k, v, mask=mask, **options, threads=3), expected)
    scale = options.get("scale", 1 / np.sqrt(max(1, q.shape[-1])))
    exact = in_float64(q, k, v, mask, scale, options.get("causal", False))
    bound = {8: 1e-12, 4: 1e-4}.get(q.dtype.itemsize, 0.03 if dtype == "f2" else 0.1)
    np.testing.assert_allclose(expected.astype("f8"), exact, atol=bound, rtol=bound)


def test_blocks_rows_and_batches_have_the_same_bits():
    q, k, v = draw([(3, 300, 16), (3, 900, 16), (3, 900, 24)], "f4")
    whole = st.attention(q, k, v)
    for i in (0, 127, 128, 299):
        assert same(st.attention(q[:, i : i + 1], k, v), whole[:, i : i + 1])
    assert same(st.attention(q[1:2], k[1:2], v[1:2]), whole[1:2])
    weights = st.attention(q, k, np.eye(900, dtype="f4"))  # sums with zeros are exact
    assert same(st.matmul(weights, v), whole)
    out = np.full((24, 300, 3), np.nan, "f4").transpose(2, 1, 0)
    assert st.attention(q.copy("F"), k[:, ::-1].copy()[:, ::-1], v, out=out) is out
    assert same(out, whole)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16])
@pytest.mark.parametrize("shapes", CASES)
def test_it_is_the_composition_of_its_steps(shapes, dtype):
    q, k, v = draw(shapes, dtype)
    mask = np.random.default_rng(1).standard_normal((q.shape[-2], k.shape[-2])).astype(dtype)
    scores = st.mul(st.matmul(q, k.swapaxes(-1, -2)), np.asarray(0.3, dtype))
    assert same(st.attention(q, k, v, scale=0.3), st.matmul(st.softmax(scores), v))
    weights = st.softmax(st.add(scores, mask))
    assert same(st.attention(q, k, v, scale=0.3, mask=mask), st.matmul(weights, v))


def test_special_values():
    q, k, v = draw([(2, 4), (3, 4), (3, 2)], "f4")
    hidden = st.attention(q, k, v, mask=np.array([[True] * 3, [False] * 3]))
    assert np.isfinite(hidden[0]).all()
    assert np.isnan(hidden[1]).all()
    k[1, 0] = np.nan
    assert np.isnan(st.attention(q, k, v)).all()
    assert (st.attention(q, k[:0], v[:0]) == 0).all()


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        (((4,), (3, 4), (3, 2)), "attention: too few dimensions: q is"),
        (((2, 5), (3, 4), (3, 2)), "attention: features differ: q is"),
        (((2, 4), (3, 4), (5, 2)), "attention: keys and values differ: k is"),
        (((2, 2, 4), (3, 3, 4), (3, 2)), "attention: shapes do not broadcast"),
        (((2, 4), (3, 4), (3, 2), (2, 4)), "attention: shapes do not broadcast"),
        (((2, 4), (3, 4), (3, 2), (1, 2, 3)), "attention: mask does not broadcast to the scores: mask is"),
    ],
)
def test_errors(shapes, text):
    q, k, v, *mask = draw(shapes, "f4")
    with pytest.raises(ValueError, match=f"^{text}"):
        st.attention(q, k, v, mask=mask[0] if mask else None)


def test_wrong_kinds():
    ones = np.ones((2, 2), "i4")
    with pytest.raises(TypeError, match=r"^attention: it needs floats"):
        st.attention(ones, ones, ones)
    with pytest.raises(TypeError, match=r"^attention: mask must be bool or floats: it is int32"):
        st.attention(*[ones.astype("f4")] * 3, mask=ones)


def test_batch_axis():
    op = _core.op("attention")
    q, k = ("float32", (4, 8, 5, 16)), ("float32", (4, 8, 7, 16))
    assert op.batch_axis([q, k, k, None], [0, 0, 0, -1], {}) == 0
    assert op.batch_axis([q, k, k, ("float32", (5, 7))], [0, 0, 0, -1], {}) == 0
    assert op.batch_axis([q, k, k, ("float32", (4, 1, 5, 7))], [0, 0, 0, -1], {}) == _core.MIXES_SAMPLES
    assert op.batch_axis([q, k, k, None], [2, -1, -1, -1], {}) == _core.MIXES_SAMPLES
