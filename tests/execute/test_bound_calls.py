"""Steps that bind their calls: the same plan on arrays of any strides, one after the other, and on every dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import stretto as st

RNG = np.random.default_rng(0)
WEIGHT, TURNED, MATRIX = (RNG.standard_normal(shape) for shape in ((5, 3, 3, 3), (3, 4, 2, 2), (6, 7)))
BIAS = RNG.standard_normal((5, 1, 1))
STEPS: dict[str, Callable[[Any], Any]] = {
    "conv2d": lambda x: st.conv2d(x, WEIGHT.astype("f4"), padding=1, activation="relu"),
    "conv2d with operands": lambda x: st.conv2d(
        x, WEIGHT.astype("f4"), bias=BIAS.ravel().astype("f4"), residual=BIAS.astype("f4")
    ),
    "conv2d converts": lambda x: st.conv2d(x, WEIGHT, padding=1),
    "conv_transpose2d": lambda x: st.conv_transpose2d(x, TURNED.astype("f4"), stride=2),
    "matmul": lambda x: st.matmul(x, MATRIX.astype("f4"), activation="gelu"),
    "matmul on the right": lambda x: st.matmul(MATRIX.T.astype("f4")[:, :5], x),
    "max_pool2d": lambda x: st.max_pool2d(x, 2),
    "avg_pool2d": lambda x: st.avg_pool2d(x, 2, padding=1),
    "global_avg_pool": lambda x: st.global_avg_pool(x),
}


def arrays(shape: tuple[int, ...], dtype: str) -> list[Any]:
    """Of one shape: contiguous, with gaps, reversed, turned round, and repeated."""
    n, c, h, w = shape
    return [
        RNG.standard_normal(shape).astype(dtype),
        RNG.standard_normal((n, c, 2 * h, 2 * w)).astype(dtype)[:, :, ::2, 1::2],
        RNG.standard_normal(shape).astype(dtype)[:, ::-1, :, ::-1],
        RNG.standard_normal((n, w, c, h)).astype(dtype).transpose(0, 2, 3, 1),
        np.broadcast_to(RNG.standard_normal((1, c, 1, w)).astype(dtype), shape),
        RNG.standard_normal(shape).astype(dtype),
    ]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", ["f4", "f2"])
@pytest.mark.parametrize("micro_batch", [None, 2])
def test_strides_may_change_from_call_to_call(name: str, dtype: str, micro_batch: int | None) -> None:
    step = STEPS[name]
    if name == "matmul on the right" and micro_batch:
        micro_batch = None  # its samples stay together
    given = arrays((5, 3, 5, 6), dtype)
    program = st.trace(lambda x: (step(x), step(st.add(x, x))), given[0])
    with st.plan(program, given[0], schedule="serial", micro_batch=micro_batch) as plan:
        for x in given:
            for result, expected in zip(plan(x), (step(x), step(st.add(x, x))), strict=True):
                assert result.dtype == expected.dtype
                assert np.array_equal(result, expected)
