"""What needs a GPU besides `bench.device`: plans, replayed or as CUDA graphs, and the products of tensor cores.

python -m bench.device_products plans RESULT.json      also with STRETTO_CUDA_GRAPHS=1
python -m bench.device_products tensor RESULT.json     with STRETTO_CUDA_TENSOR_CORES=1
"""

from __future__ import annotations

import argparse
import json
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import stretto as st
from ml_dtypes import bfloat16

from bench.device import differing, milliseconds

UNITS = {np.dtype("f2"): 2.0**-11, np.dtype(bfloat16): 2.0**-8, np.dtype("f4"): 2.0**-23}
SHAPES = ((1, 64, 64, 64), (3, 129, 72, 257), (2, 512, 512, 512), (1, 1000, 4100, 333), (8, 40, 24, 16), (1, 7, 3, 5))


def networks() -> dict[str, tuple[st.Layer, tuple[int, ...]]]:
    """Networks and the shapes of a sample."""
    small = [st.Linear(64, 64, activation="relu", rng=i) for i in range(20)]
    images = [
        st.Conv2d(3, 16, 3, padding=1, rng=1),
        st.BatchNorm(16),
        st.ReLU(),
        st.MaxPool2d(2),
        st.Conv2d(16, 32, 3, stride=2, groups=4, activation="gelu", rng=2),
        st.Upsample(scale_factor=2, mode="bilinear"),
        st.Flatten(),
        st.Linear(32 * 14 * 14, 10, rng=3),
        st.Softmax(),
    ]
    return {"twenty small layers": (st.Sequential(*small), (64,)), "images": (st.Sequential(*images), (3, 30, 30))}


def check_plans() -> dict[str, Any]:
    """Bits of plans on streams and other memory, beside the host's; and what a call costs."""
    import cupy

    rng = np.random.default_rng(1)
    wrong, rows = [], []
    for name, (net, shape) in networks().items():
        xs = [rng.standard_normal((n, *shape), dtype=np.float32) for n in (1, 8, 8, 5)]
        expected = [net(x) for x in xs]
        given = [cupy.asarray(x) for x in xs]
        with st.plan(net, given[0]) as plan:
            for repeat in range(3):
                for stream in (cupy.cuda.Stream.null, cupy.cuda.Stream(non_blocking=True)):
                    with stream:
                        cupy.cuda.Device().synchronize()
                        results = [plan(x) for x in given]
                        stream.synchronize()
                    other = [differing(cupy.asnumpy(r), e) for r, e in zip(results, expected, strict=True)]
                    if any(other):
                        wrong.append({"network": name, "repeat": repeat, "differing": other})
            x = given[1]
            plan(x)
            start = time.perf_counter()
            for _ in range(300):
                plan(x)
            host = (time.perf_counter() - start) / 300
            rows.append({"network": name, "host_us": 1e6 * host, "ms": milliseconds(partial(plan, x), cupy)})
            print(rows[-1], flush=True)
    return {"wrong": wrong, "rows": rows, "graphs": os.environ.get("STRETTO_CUDA_GRAPHS", "")}


def wrong_products(a: Any, b: Any, result: np.ndarray) -> int:
    """Results further from the exact ones than the roundings on the way allow."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    exact, size = x @ y, np.abs(x) @ np.abs(y)
    factors = 2.01 * 2.0**-11 if a.dtype == np.float32 else 0.0
    bound = (factors + (x.shape[-1] + 2) * 2.0**-23) * size + 1.01 * UNITS[result.dtype] * np.abs(exact) + 1e-7
    return int(np.count_nonzero(~(np.abs(result.astype(np.float64) - exact) <= bound)))


def check_tensor() -> dict[str, Any]:
    """Products of tensor cores against exact ones; no bit of a row depends on the others; and how fast."""
    import cupy

    rng = np.random.default_rng(1)
    wrong, rows = [], []
    for dtype in ("f2", bfloat16, "f4"):
        for batch, m, k, n in SHAPES:
            for turned in (False, True):
                a = rng.standard_normal((batch, m, k), dtype=np.float32).astype(dtype)
                b = rng.standard_normal((batch, n, k) if turned else (batch, k, n), dtype=np.float32).astype(dtype)
                x, y = cupy.asarray(a), cupy.asarray(b)
                if turned:
                    b, y = b.swapaxes(1, 2), y.swapaxes(1, 2)
                product = partial(st.matmul, precision="medium")
                result = cupy.asnumpy(product(x, y))
                first = cupy.asnumpy(product(x[:, : min(m, 40)], y))
                case = {"dtype": np.dtype(dtype).name, "shape": [batch, m, k, n], "turned": turned}
                if count := wrong_products(a, b, result):
                    wrong.append({**case, "too far": count})
                if differing(first, np.ascontiguousarray(result[:, : min(m, 40)])):
                    wrong.append({**case, "error": "bits depend on the rows beside"})
        big = cupy.asarray(rng.standard_normal((4096, 4096), dtype=np.float32).astype(dtype))
        out = cupy.empty_like(big)
        ms = milliseconds(partial(st.matmul, big, big, out=out, precision="medium"), cupy)
        rows.append({"dtype": np.dtype(dtype).name, "ms": ms, "tflops": 2 * 4096**3 / ms * 1e-9})
        print(rows[-1], flush=True)
    return {"wrong": wrong, "rows": rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("plans", "tensor"))
    parser.add_argument("result", type=Path)
    args = parser.parse_args()
    if args.what == "tensor" and os.environ.get("STRETTO_CUDA_TENSOR_CORES", "0") == "0":
        parser.error("set STRETTO_CUDA_TENSOR_CORES=1")
    found = check_plans() if args.what == "plans" else check_tensor()
    for case in found["wrong"][:40]:
        print(" ", json.dumps(case))
    print(f"{len(found['wrong'])} wrong")
    args.result.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
