"""Few rows times columns whose terms lie together, wherever these begin in a line of the cache; few columns too."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.test_matmul import check, values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("terms", [33, 64, 130, 512, 4096 + 70, 2 * 4096 + 8])
def test_columns_that_begin_anywhere(dtype: str, terms: int) -> None:
    rng = np.random.default_rng(terms)
    x = values(rng, (1, 2 * terms), dtype)
    for columns in (16, 17, 32, 50):
        for apart in (terms, terms + 1, -(-terms // 16) * 16, -(-terms // 1024) * 1024):
            for begin in (0, 1, 7, 13):
                memory = values(rng, (columns * apart + begin,), dtype)[begin:]
                b = memory.reshape(columns, apart)[:, :terms].T
                check((x[:, :terms], b), dtype)
        bias, residual = values(rng, (columns,), dtype), values(rng, (1, columns), dtype)
        check((x[:, ::2], b, bias, None, None, residual), dtype, {"activation": "relu"}, threads=(1, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", range(2, 10))
def test_few_rows_times_columns_that_lie_together(dtype: str, rows: int) -> None:
    rng = np.random.default_rng(rows)
    for columns, terms in ((16, 32), (37, 100), (50, 4096 + 33)):
        a = values(rng, (3, rows, 2 * terms), dtype)
        b = values(rng, (3, columns, terms), dtype).swapaxes(1, 2)
        check((a[0, :, :terms], b[0]), dtype)
        check((a[:, :, ::2], b), dtype, threads=(1, 2))
        bias, residual = values(rng, (columns,), dtype), values(rng, (rows, columns), dtype)
        check((a[0, :, :terms], b[0], bias, None, None, residual), dtype, {"activation": "relu"})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("columns", range(2, 7))
def test_rows_times_few_columns(dtype: str, columns: int) -> None:
    rng = np.random.default_rng(columns)
    for rows, terms in ((1600, 32), (33, 1500), (250, 200), (40, 4096 + 33)):
        b = values(rng, (2, terms, columns), dtype)
        bias, residual = values(rng, (columns,), dtype), values(rng, (rows, columns), dtype)
        for a in (values(rng, (2, rows, terms), dtype), values(rng, (2, terms, rows), dtype).swapaxes(1, 2)):
            check((a[0], b[0]), dtype)
            check((a, b), dtype, threads=(1, 2))
            check((a[0], b[0], bias, None, None, residual), dtype, {"activation": "relu"}, threads=(1, 2))
