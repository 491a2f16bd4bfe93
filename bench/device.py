"""What needs a GPU: whether CuPy arrays get the bits of NumPy's, and how fast, beside CuPy and PyTorch.

python -m bench.device bits RESULT.json
python -m bench.device times RESULT.json
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import stretto as st
from ml_dtypes import bfloat16
from stretto import _core

SHARED: Any = importlib.import_module("tests.cuda.cases")

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-39, 3e38], np.float32)


def is_product(name: str) -> bool:
    return name == "matmul" or name.startswith("conv")


def differing(result: np.ndarray, expected: np.ndarray) -> int:
    """Elements with other bits; NaN equals NaN."""
    if result.dtype != expected.dtype or result.shape != expected.shape:
        return max(result.size, expected.size, 1)
    bits = f"u{result.dtype.itemsize}"
    other = np.ascontiguousarray(result).view(bits) != np.ascontiguousarray(expected).view(bits)
    if result.dtype.kind in "fV":
        other &= ~(np.isnan(result.astype(np.float64)) & np.isnan(expected.astype(np.float64)))
    return int(np.count_nonzero(other))


def expected_of(name: str, arrays: list[Any], attributes: dict[str, Any]) -> list[np.ndarray]:
    """The CPU's result. Products of bfloat16 arrays have an order of their own there: float32, rounded once."""
    op = _core.op(name)
    wide = is_product(name) and arrays[0].dtype == bfloat16
    given = [None if x is None else x.astype(np.float32) if wide else x for x in arrays]
    result = op(tuple(given), attributes)
    results = result if isinstance(result, tuple) else (result,)
    return [np.asarray(r).astype(bfloat16) if wide else np.asarray(r) for r in results]


def calls() -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """The shared cases, plain and with special values and other strides; then shapes that fill tiles."""
    rng = np.random.default_rng(1)
    for name, cases in SHARED.CASES.items():
        for inputs, attributes, dtypes in cases:
            for dtype in dtypes:
                if name == "attention" and np.dtype(dtype) == bfloat16:
                    continue
                arrays = [SHARED.draw(rng, shape, dtype) for shape in inputs]
                yield name, arrays, attributes
                backwards = [x if x is None or x.ndim == 0 else np.flip(x, 0) for x in arrays]
                yield name, backwards, attributes
                if np.dtype(dtype).kind == "f" and not any(s and s[0] in ("i", "p") for s in inputs if s):
                    for x in arrays:
                        if x is not None and x.size and x.dtype.kind == "f":
                            x.flat[:: max(1, x.size // 8)] = SPECIAL[0]
                            x.flat[:: max(1, x.size // 5)] = SPECIAL[len(arrays) % SPECIAL.size]
                    yield name, arrays, attributes
    for m, k, n in ((129, 77, 255), (300, 4097, 130), (1, 5000, 700), (64, 9000, 64), (1025, 33, 24), (24, 1, 24)):
        for dtype in ("f4", "f8", "f2", bfloat16, "i4"):
            arrays = [SHARED.draw(rng, shape, dtype) for shape in ((m, k), (k, n), (n,))]
            yield "matmul", [*arrays, None, None, None], {} if dtype == "i4" else {"activation": "relu"}
    for groups, channels, outputs, size, kernel in ((1, 64, 128, 28, 3), (4, 32, 96, 17, 5), (48, 48, 48, 30, 3)):
        w = (outputs, channels // groups, kernel, kernel)
        arrays = [SHARED.draw(rng, shape, "f4") for shape in ((2, channels, size, size), w)]
        yield "conv2d", [*arrays, None, None, None, None], {"groups": groups, "padding": 1, "stride": 2}
    for rows, terms in ((7, 4096), (3, 4097), (1000, 100), (2, 200_000)):
        x = SHARED.draw(rng, (rows, terms), "f4")
        for name in ("softmax", "log_softmax", "sum", "var", "argmax", "layer_norm"):
            attributes = {} if name in ("softmax", "log_softmax", "layer_norm") else {"axis": 1}
            yield name, [x, None, None] if name == "layer_norm" else [x], attributes
        yield "sum", [x], {"axis": 0}


def check_bits(seconds: float) -> dict[str, Any]:
    import cupy

    wrong: list[dict[str, Any]] = []
    count = 0
    end = time.monotonic() + seconds
    for name, arrays, attributes in calls():
        if time.monotonic() > end:
            wrong.append({"op": "the time was up", "calls": count})
            break
        expected = expected_of(name, arrays, attributes)
        device = tuple(None if x is None else cupy.asarray(x) for x in arrays)
        for repeat in range(2):  # the second call finds other memory
            count += 1
            case = {
                "op": name,
                "shapes": [None if x is None else [str(x.dtype), *x.shape] for x in arrays],
                "attributes": str(attributes),
                "repeat": repeat,
            }
            try:
                result = _core.op(name)(device, attributes)
                results = [cupy.asnumpy(r) for r in (result if isinstance(result, tuple) else (result,))]
            except Exception as error:
                wrong.append({**case, "error": str(error)})
                break
            other = sum(differing(r, e) for r, e in zip(results, expected, strict=True))
            if other:
                wrong.append({**case, "differing": other, "of": sum(e.size for e in expected)})
    print(f"{count} calls")
    return {"calls": count, "wrong": wrong}


def milliseconds(call: Callable[..., object], cupy: Any) -> float:
    """Median of a dozen, each alone between events, after the caches have been overwritten."""
    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    flush = cupy.empty(64 << 20, "u1")
    call()
    times = []
    for _ in range(12):
        flush.fill(1)
        start.record()
        call()
        stop.record()
        stop.synchronize()
        times.append(cupy.cuda.get_elapsed_time(start, stop))
    return float(statistics.median(times))


def timed_cases(cupy: Any, torch: Any) -> Iterator[tuple[str, float, str, dict[str, Callable[..., object]]]]:
    """(name, operations or bytes, unit, what to time) with random data; the arms take turns."""
    rng = cupy.random.default_rng(1)
    arms: dict[str, Callable[..., object]]

    def array(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    def tensor(x: Any) -> Any:
        return torch.from_dlpack(x) if torch else None

    for batch, m, k, n in (
        (1, 4096, 4096, 4096),
        (1, 1024, 1024, 1024),
        (8, 512, 512, 512),
        (4096, 16, 16, 16),
        (1, 128, 65536, 128),
    ):
        a, b = array(batch, m, k), array(batch, k, n)
        out = cupy.empty((batch, m, n), np.float32)
        arms = {
            "stretto": partial(st.matmul, a, b, out=out),
            "cupy": partial(cupy.matmul, a, b, out=out),
        }
        if torch:
            arms["torch"] = partial(torch.matmul, tensor(a), tensor(b), out=tensor(out))
        yield f"matmul {batch}x{m}x{k}x{n}", 2.0 * batch * m * k * n, "flop", arms
    for n, c, o, size, kernel, groups in (
        (32, 64, 64, 56, 3, 1),
        (32, 256, 256, 14, 3, 1),
        (32, 3, 64, 224, 7, 1),
        (32, 128, 128, 56, 3, 128),
    ):
        x, w = array(n, c, size, size), array(o, c // groups, kernel, kernel)
        pad = kernel // 2
        arms = {"stretto": partial(st.conv2d, x, w, padding=pad, groups=groups)}
        if torch:
            conv2d = torch.nn.functional.conv2d
            arms["torch"] = partial(conv2d, tensor(x), tensor(w), padding=pad, groups=groups)
        yield (
            f"conv2d {n}x{c}x{size} -> {o}, {kernel}x{kernel}, {groups} groups",
            2.0 * n * o * size * size * c // groups * kernel * kernel,
            "flop",
            arms,
        )
    x = array(8192, 4096)
    tx = tensor(x)
    moved = 2.0 * x.nbytes
    simple: dict[str, tuple[Callable[..., object], Callable[..., object], float]] = {
        "copy": (lambda: st.transpose(x, axes=(0, 1)).copy(), lambda: tx.clone(), moved),
        "gelu": (lambda: st.gelu(x), lambda: torch.nn.functional.gelu(tx), moved),
        "add": (lambda: st.add(x, x), lambda: tx + tx, moved + x.nbytes),
        "softmax": (lambda: st.softmax(x), lambda: torch.softmax(tx, 1), moved),
        "layer_norm": (lambda: st.layer_norm(x), lambda: torch.nn.functional.layer_norm(tx, (4096,)), moved),
        "sum of rows": (lambda: st.sum(x, axis=1), lambda: tx.sum(1), x.nbytes),
        "sum of columns": (lambda: st.sum(x, axis=0), lambda: tx.sum(0), x.nbytes),
    }
    for name, (own, other, traffic) in simple.items():
        yield name, traffic, "byte", {"stretto": own, **({"torch": other} if torch else {})}


def check_times(seconds: float) -> dict[str, Any]:
    import cupy

    try:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
    except ImportError:
        torch = None
    rows: list[dict[str, Any]] = []
    end = time.monotonic() + seconds
    arms: dict[str, Callable[..., object]]
    for name, amount, unit, arms in timed_cases(cupy, torch):
        if time.monotonic() > end:
            break
        try:
            row = {arm: milliseconds(call, cupy) for arm, call in arms.items()}
        except Exception as error:
            print(f"{name}: {error}")
            rows.append({"name": name, "error": str(error)})
            continue
        rates = {arm: amount / ms * (1e-9 if unit == "flop" else 1e-6) for arm, ms in row.items()}
        print(
            name,
            *(f"{arm} {ms:.3f} ms ({rates[arm]:.1f} {'TF' if unit == 'flop' else 'GB'}/s)" for arm, ms in row.items()),
            sep="  ",
        )
        rows.append({"name": name, "unit": unit, "amount": amount, "ms": row})
    small = cupy.ones((4, 4), np.float32)
    out = cupy.empty_like(small)
    start = time.perf_counter()
    for _ in range(2000):
        st.matmul(small, small, out=out)
    microseconds = (time.perf_counter() - start) / 2000 * 1e6
    print(f"a call with out=: {microseconds:.2f} us")
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return {
        "gpu": properties["name"].decode(),
        "driver": cupy.cuda.runtime.driverGetVersion(),
        "call_us": microseconds,
        "rows": rows,
    }


def write(path: Path, found: dict[str, Any]) -> int:
    """The result as JSON, what is wrong also in print; the exit status."""
    wrong = found.get("wrong", [])
    for case in wrong[:60]:
        print(" ", json.dumps(case))
    print(f"{len(wrong)} wrong")
    path.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("bits", "times"))
    parser.add_argument("result", type=Path)
    parser.add_argument("--seconds", type=float, default=150)
    args = parser.parse_args()
    print(st.cuda_status())
    found = (check_bits if args.what == "bits" else check_times)(args.seconds)
    return write(args.result, found)


if __name__ == "__main__":
    raise SystemExit(main())
