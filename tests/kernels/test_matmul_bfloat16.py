"""bfloat16 products of every size of block: rows that fill no register, deep sums, epilogues, sums onto an operand."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st

from tests.kernels.test_matmul import matmul, same_bits, variants_of

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
SHAPES = {
    "one register": (5, 16, 16, 16),
    "few rows": (3, 5, 40, 33),
    "rows twice in two registers": (2, 29, 64, 20),
    "rows of the block before": (1, 37, 70, 130),
    "deep": (1, 47, 1100, 90),
    "groups of panels": (1, 70, 2050, 300),
    "more than a segment": (1, 20, 4200, 40),
}


def draw(rng: Any, *shape: int) -> Any:
    values = rng.standard_normal(shape).astype("f4") * np.exp2(rng.integers(-4, 5, shape)).astype("f4")
    return values.astype(BFLOAT16)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("columns_of_b", [False, True])
@pytest.mark.parametrize("in_lines", [False, True])
def test_bfloat16_products_equal_the_reference(name: str, columns_of_b: bool, in_lines: bool) -> None:
    count, m, k, n = SHAPES[name]
    rng = np.random.default_rng(3)
    a, b = draw(rng, count, m, k), draw(rng, count, k, n)
    if columns_of_b:
        b = np.ascontiguousarray(b.swapaxes(1, 2)).swapaxes(1, 2)
    if in_lines:  # rows of a begin where lines of the cache do
        row = -(-k // 32) * 32
        room = np.empty(count * m * row + 32, BFLOAT16)
        start = -room.ctypes.data % 64 // 2
        rows = room[start : start + count * m * row].reshape(count, m, row)[..., :k]
        rows[...] = a
        a = rows
    bias, residual = draw(rng, n), draw(rng, count, m, n)
    for operands in ((a, b), (a, b, bias, None, None, residual)):
        options = {"activation": "relu"} if len(operands) > 2 else {}
        for dtype in (BFLOAT16, np.dtype("f4")):  # sums in float32 are not rounded
            expected, result = np.empty((count, m, n), dtype), np.empty((count, m, n), dtype)
            matmul(operands, options, expected, 1, "matmul_reference")
            for variant in variants_of("bfloat16"):
                for threads in (1, 3):
                    result.fill(np.nan)
                    matmul(operands, options, result, threads, variant)
                    assert same_bits(result, expected), (variant, threads)


@pytest.mark.parametrize("name", SHAPES)
def test_bfloat16_sums_onto_their_residual(name: str) -> None:
    count, m, k, n = SHAPES[name]
    rng = np.random.default_rng(4)
    a, b, residual = draw(rng, count, m, k), draw(rng, k, n), draw(rng, count, m, n)
    operands = (a, b, None, None, None)
    expected = matmul((*operands, residual), {}, None, 1, "matmul_reference")
    for weight in (b, st.prepare(b, op="matmul")):
        result = residual.copy()
        matmul((a, weight, None, None, None, result), {}, result, 2)
        assert same_bits(result, expected)
