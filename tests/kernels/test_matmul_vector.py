"""A matrix times a vector: columns of terms that lie together, wherever they begin in a line of the cache."""

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
