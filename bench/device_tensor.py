"""Products and convolutions on the tensor cores of a GPU: how far from the exact results, and how fast.

STRETTO_CUDA_TENSOR_CORES=1 python -m bench.device_tensor RESULT.json
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import stretto as st
from ml_dtypes import bfloat16
from stretto import _core

from bench.device import differing, milliseconds, write

UNITS = {np.dtype("f2"): 2.0**-11, np.dtype(bfloat16): 2.0**-8, np.dtype("f4"): 2.0**-23}
KINDS = (("f2", "highest"), (bfloat16, "highest"), ("f4", "medium"), ("f4", "high"))
SHAPES = (
    (1, 64, 64, 64),
    (3, 129, 72, 257),
    (2, 512, 512, 512),
    (1, 1000, 4100, 333),
    (8, 40, 24, 16),
    (1, 7, 3, 5),
    (1, 2048, 256, 4352),  # fills the device with large tiles
)
# (samples, channels, outputs, size, kernel, options)
CONVOLUTIONS: tuple[tuple[int, int, int, int, int, dict[str, Any]], ...] = (
    (2, 64, 128, 28, 3, {"padding": 1}),
    (3, 3, 64, 61, 7, {"stride": 2, "padding": 3}),
    (2, 40, 24, 17, 1, {}),
    (4, 96, 80, 15, 3, {"groups": 2, "dilation": 2}),
    (24, 64, 256, 28, 3, {"padding": 1}),
)
MEDIUM = 2.0**-11 if os.environ.get("STRETTO_CUDA_TENSOR_CORES") == "mma" else 2.0**-10  # rounded, or cut off
FACTORS = {"highest": 0.0, "high": 2.0**-22, "medium": MEDIUM}


def too_far(exact: np.ndarray, size: np.ndarray, terms: int, precision: str, result: np.ndarray) -> int:
    """Results further from the exact ones than the roundings on the way allow, ``size`` being sums of magnitudes."""
    bound = (
        (2.01 * FACTORS[precision] * (result.dtype == np.float32) + (terms + 2) * 2.0**-23) * size
        + 1.01 * UNITS[result.dtype] * np.abs(exact)
        + 1e-7
    )
    return int(np.count_nonzero(~(np.abs(result.astype(np.float64) - exact) <= bound)))


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    return rng.standard_normal(shape, dtype=np.float32).astype(dtype)


def products(rng: np.random.Generator, cupy: Any) -> Iterator[dict[str, Any]]:
    """What is wrong with products; no bit of a row may depend on the others."""
    for dtype, precision in KINDS:
        for (batch, m, k, n), turned in ((shape, turned) for shape in SHAPES for turned in (False, True)):
            a, b = draw(rng, (batch, m, k), dtype), draw(rng, (batch, n, k) if turned else (batch, k, n), dtype)
            x, y = cupy.asarray(a), cupy.asarray(b)
            if turned:
                b, y = b.swapaxes(1, 2), y.swapaxes(1, 2)
            product = partial(st.matmul, precision=precision)
            result = cupy.asnumpy(product(x, y))
            first = cupy.asnumpy(product(x[:, : min(m, 40)], y))
            case = {"dtype": np.dtype(dtype).name, "precision": precision, "shape": [batch, m, k, n], "turned": turned}
            wide = a.astype(np.float64), b.astype(np.float64)
            if count := too_far(wide[0] @ wide[1], abs(wide[0]) @ abs(wide[1]), k, precision, result):
                yield {**case, "too far": count}
            if differing(first, np.ascontiguousarray(result[:, : min(m, 40)])):
                yield {**case, "error": "bits depend on the rows beside"}


def convolutions(rng: np.random.Generator, cupy: Any) -> Iterator[dict[str, Any]]:
    """What is wrong with convolutions, transposed ones and weight gradients, in both layouts."""
    for dtype, precision in KINDS:
        for samples, channels, outputs, size, kernel, options in CONVOLUTIONS:
            x = draw(rng, (samples, channels, size, size), dtype)
            w = draw(rng, (outputs, channels // options.get("groups", 1), kernel, kernel), dtype)
            shape = _core.op("conv2d").infer([("float32", x.shape), ("float32", w.shape)], options)[0][1]
            grad = draw(rng, shape, dtype)
            calls: dict[str, tuple[tuple[Any, ...], int, dict[str, Any]]] = {
                "conv2d": ((x, w), w[0].size, {**options, "precision": precision}),
                "conv2d_input_gradient": ((grad, w), w[:, 0].size, {**options, "input_shape": x.shape}),
                "conv2d_weight_gradient": ((x, grad), grad[:, 0].size, {**options, "weight_shape": w.shape}),
            }
            for name, (arrays, terms, attributes) in calls.items():
                op = _core.op(name)
                exact = op(tuple(v.astype(np.float64) for v in arrays), attributes)
                magnitudes = op(tuple(abs(v.astype(np.float64)) for v in arrays), attributes)
                for last in (False, True):  # the same arrays, in the memory of channels last
                    given = [cupy.asarray(np.moveaxis(v, 1, -1).copy() if last else v) for v in arrays]
                    moved = tuple(cupy.moveaxis(v, -1, 1) if last else v for v in given)
                    result = cupy.asnumpy(op(moved, attributes))
                    allowed = precision if name == "conv2d" else "highest"
                    if count := too_far(exact, magnitudes, terms, allowed, result):
                        yield {"op": name, "dtype": np.dtype(dtype).name, "options": str(options), "too far": count}
                    if name == "conv2d" and differing(
                        cupy.asnumpy(op((moved[0][:1], moved[1]), attributes)), result[:1]
                    ):
                        yield {"op": name, "dtype": np.dtype(dtype).name, "error": "bits depend on the samples beside"}


def times(rng: np.random.Generator, cupy: Any) -> Iterator[dict[str, Any]]:
    for dtype, precision in KINDS:
        big = cupy.asarray(draw(rng, (4096, 4096), dtype))
        x = cupy.asarray(draw(rng, (32, 28, 28, 256), dtype))
        w = cupy.asarray(draw(rng, (256, 256, 3, 3), dtype))
        images = partial(st.conv2d, x, w, padding=1, layout="NHWC", precision=precision)
        calls: dict[str, tuple[Callable[..., object], float]] = {
            "matmul": (partial(st.matmul, big, big, out=cupy.empty_like(big), precision=precision), 2 * 4096.0**3),
            "conv2d": (partial(images, out=cupy.empty_like(x)), 2 * 32 * 28 * 28 * 256.0 * 256 * 9),
        }
        for name, (call, operations) in calls.items():
            ms = milliseconds(call, cupy)
            row = {"op": name, "dtype": np.dtype(dtype).name, "precision": precision, "ms": ms}
            yield {**row, "tflops": operations / ms * 1e-9}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    args = parser.parse_args()
    if os.environ.get("STRETTO_CUDA_TENSOR_CORES", "0") == "0":
        parser.error("set STRETTO_CUDA_TENSOR_CORES=1")
    import cupy

    rng = np.random.default_rng(1)
    wrong = [*products(rng, cupy), *convolutions(rng, cupy)]
    rows = list(times(rng, cupy))
    for row in rows:
        print(row)
    return write(args.result, {"wrong": wrong, "rows": rows})


if __name__ == "__main__":
    raise SystemExit(main())
