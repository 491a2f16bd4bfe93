"""Plans on a GPU, replayed or, with STRETTO_CUDA_GRAPHS=1, as CUDA graphs.

python -m bench.device_plans RESULT.json
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import stretto as st

from bench.device import differing, milliseconds, write


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


def ms_in_stream(plan: st.Runner, batches: list[Any], in_flight: int) -> float:
    """Milliseconds for each batch of the host, with so many on their way at once; the first ones are not counted."""
    results = plan.stream(batches, in_flight=in_flight)
    warm = 2 * in_flight
    for _ in range(warm):
        next(results)
    start = time.perf_counter()
    count = sum(1 for _ in results)
    return 1e3 * (time.perf_counter() - start) / count


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
            other = [differing(r, e) for r, e in zip(plan.stream(xs * 5), expected * 5, strict=True)]
            if any(other):
                wrong.append({"network": name, "stream": True, "differing": other})
            x = given[1]
            plan(x)
            start = time.perf_counter()
            for _ in range(300):
                plan(x)
            host = (time.perf_counter() - start) / 300
            large = rng.standard_normal((256, *shape), dtype=np.float32)
            each = {n: ms_in_stream(plan, [large] * 40, n) for n in (1, 2, 3, 4)}
            row = {"network": name, "host_us": 1e6 * host, "ms": milliseconds(partial(plan, x), cupy)}
            rows.append({**row, "ms of a batch of 256 in a stream, by batches in flight": each})
            print(rows[-1], flush=True)
    return {"wrong": wrong, "rows": rows, "graphs": os.environ.get("STRETTO_CUDA_GRAPHS", "")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path)
    return write(parser.parse_args().result, check_plans())


if __name__ == "__main__":
    raise SystemExit(main())
