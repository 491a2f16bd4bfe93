"""A peer's process: reads one JSON request a line on stdin, answers one a line on stdout.

Requests: ``{"do": "prepare", "inputs": file, "result": file}`` with ``"group", "case", "dtype"``, of ours perhaps
``"precision"``, and for a product that is not published ``"shapes"``; and ``{"do": "time", "seconds"}``, where
``"calls": n`` makes every sample the mean of n calls. The first line it writes names versions, or says why the peer
is absent.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stretto.bench.cases import Case, published
from stretto.bench.peers import MODULES, Prepared, UnsupportedError

SAMPLE_SECONDS = 200e-6  # a sample is so many calls that the clock's step does not matter
MOST_SAMPLES = 2000

Request = dict[str, Any]
Read = Callable[[Request], tuple[Any, ...]]


class Worker:
    """One peer, one prepared call at a time; ``read`` turns a request into the arguments of the module's prepare."""

    def __init__(self, peer: str, threads: int, module: str, read: Read) -> None:
        self.peer = peer
        self.threads = threads
        self.module: Any = importlib.import_module(module)
        self.read = read
        self.prepared: Prepared | None = None
        self.calls = 1

    def prepare(self, request: Request) -> dict[str, Any]:
        """Load the inputs, run once, store the result for the check, and size a sample."""
        import numpy as np

        self.prepared = None
        try:
            prepared: Prepared = self.module.prepare(self.peer, *self.read(request), self.threads)
        except UnsupportedError as reason:
            return {"unsupported": str(reason)}
        prepared.call()
        result = prepared.result()
        np.save(request["result"], result.astype(np.float64 if result.dtype == np.float64 else np.float32))
        self.calls = 1
        while (took := _measure(prepared, self.calls)) * self.calls < SAMPLE_SECONDS:
            self.calls = max(2 * self.calls, min(int(SAMPLE_SECONDS / max(took, 1e-9)), 1 << 20))
        self.prepared = prepared
        return {"ready": True}

    def time(self, request: Request) -> dict[str, Any]:
        """Samples of the seconds of one call."""
        if self.prepared is None:
            return {"unsupported": "nothing is prepared"}
        self.prepared.call()  # warms the caches that the others' turns took
        samples: list[float] = []
        calls = request.get("calls", self.calls)
        end = time.perf_counter() + request["seconds"]
        while not samples or (time.perf_counter() < end and len(samples) < MOST_SAMPLES):
            samples.append(_measure(self.prepared, calls))
        return {"samples": samples}


def _measure(prepared: Prepared, calls: int) -> float:
    call = prepared.call
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def _case(request: Request) -> tuple[Case, list[Any]]:
    import numpy as np

    name = request["case"]
    if "shapes" in request:
        case = Case("bmm", name, "matmul", tuple(map(tuple, request["shapes"])))
    else:
        case = next(c for c in published(request["group"]) if c.name == name)
    with np.load(request["inputs"]) as stored:
        arrays = [stored[f"arr_{i}"] for i in range(len(case.shapes))]
    if request["dtype"] == "bfloat16":
        import ml_dtypes

        arrays = [array.astype(ml_dtypes.bfloat16) for array in arrays]
    precision = request.get("precision", "highest")
    if precision != "highest" and case.group in ("bmm", "conv", "conv_transpose"):
        case = replace(case, options={**case.options, "precision": precision})
    return case, arrays


def serve(peer: str, threads: int, module: str | None = None, read: Read = _case) -> None:
    """Answer until stdin closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        worker = Worker(peer, threads, module or f"stretto.bench.peers.{MODULES[peer]}", read)
        answer({"versions": worker.module.versions(threads)})
    except ImportError as error:
        answer({"absent": str(error)})
        return
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = worker.prepare(request) if request["do"] == "prepare" else worker.time(request)
        except Exception as error:
            reply = {"failed": f"{type(error).__name__}: {error}"}
        answer(reply)
