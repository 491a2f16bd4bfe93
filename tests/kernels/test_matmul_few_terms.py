"""Products of few terms: outer products, written row by row, and large results from panels that pass by a row block."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.test_matmul import check, values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("terms", range(1, 8))
def test_outer_products(dtype: str, terms: int) -> None:
    rng = np.random.default_rng(terms)
    for rows, columns in ((4, 64), (9, 65), (33, 127), (50, 500)):
        a, b = values(rng, (3, rows, 2 * terms), dtype), values(rng, (3, terms, columns), dtype)
        check((a[0, :, :terms], b[0]), dtype, threads=(1, 2))
        check((a[:, :, ::2], b), dtype, threads=(1, 2))
        check((a[:, :, ::2], np.ascontiguousarray(b.swapaxes(1, 2)).swapaxes(1, 2)), dtype)
        check((np.ascontiguousarray(a[0, :, :terms].T).T, b[0, :, ::-1]), dtype)
        bias, residual = values(rng, (columns,), dtype), values(rng, (rows, columns), dtype)
        check((a[0, :, :terms], b[0], bias, None, None, residual), dtype, {"activation": "gelu"}, threads=(1, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("terms", [7, 16, 100, 129, 384, 385])
def test_large_results(dtype: str, terms: int) -> None:
    rng = np.random.default_rng(terms)
    for rows, columns in ((401, 320), (390, 335), (150, 1000)):
        a, b = values(rng, (rows, terms), dtype), values(rng, (columns, terms), dtype).T
        bias, residual = values(rng, (columns,), dtype), values(rng, (rows, columns), dtype)
        for left in (a, np.asfortranarray(a)):
            check((left, b), dtype, threads=(1, 2))
            check((left, np.ascontiguousarray(b), bias, None, None, residual), dtype, {"activation": "relu"})
            check((left, b, bias, None, None, residual), dtype, {"activation": "relu"}, threads=(1, 2))
            check((left, b, bias), dtype, {"activation": "gelu"})
