"""Epilogues of stacks of small products, which are formed where the sums stand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.test_matmul import check, matmul, same_bits

STACKS = [
    (40, 4, 4, 4),
    (33, 5, 3, 6),
    (19, 16, 16, 16),
    (300, 8, 8, 8),
    (3, 20, 30, 24),
    (2, 64, 70, 96),
    (5, 1, 7, 9),
]
TERMS = {
    "column": lambda b, m, n: (n,),
    "row": lambda b, m, n: (m, 1),
    "matrix": lambda b, m, n: (b, 1, n),
    "element": lambda b, m, n: (b, m, n),
    "one": lambda b, m, n: (),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("count", "m", "k", "n"), STACKS)
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("activation", [None, "relu", "relu6", "gelu"])
def test_epilogues_of_stacks(dtype, count, m, k, n, term, activation):
    rng = np.random.default_rng(11)
    a, b = (rng.standard_normal(shape).astype(dtype) for shape in ((count, m, k), (count, k, n)))
    bias, scale, shift = (rng.standard_normal(TERMS[term](count, m, n)).astype(dtype) for _ in range(3))
    residual = rng.standard_normal((count, m, n)).astype(dtype)
    attributes = {} if activation is None else {"activation": activation}
    check((a, b, bias), dtype, attributes)
    check((a, b, None, scale, shift), dtype, attributes)
    check((a, b, bias, scale, shift, residual), dtype, attributes)
    turned = np.moveaxis(np.empty((n, count, m), dtype), 0, 2)  # rows of the result are not adjacent
    matmul((a, b, bias, None, None, residual), attributes, turned, 1)
    assert same_bits(turned, matmul((a, b, bias, None, None, residual), attributes, None, 1, "matmul_reference"))
