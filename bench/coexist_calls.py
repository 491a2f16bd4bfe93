"""Libraries that call in turns in one process: python coexist_calls.py PACKAGE LIBRARIES THREADS SECONDS.

Started by ``coexist.py`` in the environment of the other libraries, which need not have stretto: it is read from the
folder PACKAGE. Prints JSON: the seconds of every call, of each library in a row and of all in turns.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 384  # a product of about a millisecond; its arrays lie in the second cache
Call = Callable[[], object]


def load_stretto(folder: Path) -> Any:
    """The package in a folder, whatever else lies beside it."""
    spec = importlib.util.spec_from_file_location("stretto", folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["stretto"] = package
    spec.loader.exec_module(package)
    return package


def call_of(library: str, package: Path, threads: int) -> Call:
    """The product of two matrices, into an array that is there."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIDE, SIDE), np.float32) for _ in range(2))
    out = np.empty_like(a)
    if library == "stretto":
        stretto = load_stretto(package)
        return lambda: stretto.matmul(a, b, out=out, threads=threads)
    if library == "torch":
        import torch

        torch.set_num_threads(threads)
        x, y, z = map(torch.from_numpy, (a, b, out))
        return lambda: torch.matmul(x, y, out=z)
    return lambda: np.matmul(a, b, out=out)  # its threads are set by the environment


def in_turns(calls: dict[str, Call], seconds: float) -> dict[str, list[float]]:
    """Seconds of each call, one library after the other, again and again; the first tenth is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    begin = time.perf_counter()
    while (now := time.perf_counter()) < begin + seconds or not all(times.values()):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if now > begin + seconds / 10:
                times[name].append(time.perf_counter() - start)
    return times


def main() -> None:
    """Measure and print."""
    package, libraries, threads, seconds = sys.argv[1:]
    names = libraries.split(",")
    calls = {name: call_of(name, Path(package), int(threads)) for name in names}
    rows = {name: in_turns({name: call}, float(seconds))[name] for name, call in calls.items()}
    turns = in_turns(calls, len(names) * float(seconds)) if len(names) > 1 else {}
    print(json.dumps({"row": rows, "turns": turns}))


if __name__ == "__main__":
    main()
