"""Prepared weights give the bits of the plain call, whatever the input and however it runs."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.kernels.test_matmul import KINDS, same_bits, values, variants_of

DTYPES = [*KINDS["float"], *KINDS["float16"], *KINDS["bfloat16"], "int8", "bool"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_as_the_weight_itself(dtype):
    rng = np.random.default_rng(0)
    for k, n in [(1, 1), (3, 5), (40, 33), (300, 100), (5000, 40), (0, 4), (4, 0)]:
        w, bias = values(rng, (k, n), dtype), values(rng, (n,), dtype)
        prepared = st.prepare(w, op="matmul")
        for shape in [(k,), (1, k), (7, k), (60, k), (2, 3, k), (2, 30, k)]:
            x = values(rng, shape, dtype)
            expected = _core.op("matmul")((x, w, bias), {}, None, 1, "matmul_reference")
            for threads in (1, 3):
                assert same_bits(st.matmul(x, prepared, bias=bias, threads=threads), expected)
            for variant in variants_of(dtype):  # also those that did not make the panels
                assert same_bits(_core.op("matmul")((x, prepared, bias), {}, None, 2, variant), expected)


def test_transposed_and_stacked_weights():
    rng = np.random.default_rng(1)
    x, w, stack = values(rng, (9, 40), "f4"), values(rng, (70, 40), "f4"), values(rng, (3, 40, 70), "f4")
    assert same_bits(st.matmul(x, st.prepare(w.T)), st.matmul(x, w.T))
    assert same_bits(st.matmul(x, st.prepare(stack)), st.matmul(x, stack))


def test_is_a_copy_that_says_what_it_is():
    w = np.ones((4, 3), "f4")
    prepared = st.prepare(w, op="matmul")
    w[:] = 5
    assert np.array_equal(st.matmul(np.ones((2, 4), "f4"), prepared), np.full((2, 3), 4))
    assert (prepared.shape, prepared.dtype, prepared.ndim, prepared.op) == ((4, 3), np.float32, 2, "matmul")
    assert np.array_equal(np.asarray(prepared), np.ones((4, 3)))


def test_other_dtypes_of_the_input_still_work():
    w = np.arange(12, dtype="f4").reshape(4, 3)
    x = np.ones((2, 4))
    assert same_bits(st.matmul(x, st.prepare(w)), st.matmul(x, w))
    half = st.prepare(w.astype(ml_dtypes.bfloat16))
    assert st.matmul(x.astype("f4"), half).dtype == np.float32


def test_wrong_calls():
    with pytest.raises(ValueError, match="unknown op"):
        st.prepare(np.ones((2, 2)), op="matmull")
    with pytest.raises(TypeError, match="takes no prepared weight"):
        st.prepare(np.ones(2), op="vecdot")
    with pytest.raises(TypeError, match="complex128"):
        st.prepare(np.ones((2, 2), complex))
    with pytest.raises(ValueError, match=r"inner dimensions differ: a is \(2, 3\), b is \(4, 3\)"):
        st.matmul(np.ones((2, 3), "f4"), st.prepare(np.ones((4, 3), "f4")))


def test_an_option_that_the_op_does_not_have():
    with pytest.raises(TypeError, match=r"prepare: unknown option: 'strides'; conv2d has .*stride"):
        st.prepare(np.ones((2, 2, 3, 3), "f4"), op="conv2d", strides=2)
    with pytest.raises(TypeError, match="unknown option: 'bias'"):
        st.prepare(np.ones((2, 2), "f4"), bias=np.ones(2, "f4"))
