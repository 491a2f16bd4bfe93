"""A peer's process: reads one JSON request a line on stdin, answers one a line on stdout.

Requests: ``{"do": "prepare", "inputs": file, "result": file}`` with ``"group", "case", "dtype"`` for a case or
``"network", "graph": file, "length"`` for a stream; and ``{"do": "time", "seconds"}``, where ``"calls": n`` makes every
sample the mean of n calls. The first line it writes names versions, or says why the peer is absent.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.peers import MODULES, STREAM_MODULES, Prepared, UnsupportedError
from tests.cases import Case, published

SAMPLE_SECONDS = 200e-6  # a sample is so many calls that the clock's step does not matter
MOST_SAMPLES = 2000


class Worker:
    """One peer, one prepared case at a time."""

    def __init__(self, peer: str, threads: int) -> None:
        self.peer = peer
        self.threads = threads
        self.module: Any = importlib.import_module(f"bench.peers.{(MODULES | STREAM_MODULES)[peer]}")
        self.prepared: Prepared | None = None
        self.calls = 1

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load the inputs, run once, store the result for the check, and size a sample."""
        import numpy as np

        self.prepared = None
        try:
            prepared = self._stream(request) if "network" in request else self._case(request)
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

    def _case(self, request: dict[str, Any]) -> Prepared:
        import numpy as np

        name = request["case"]
        if "shapes" in request:  # a product that is not published
            case = Case("bmm", name, "matmul", tuple(map(tuple, request["shapes"])))
        else:
            case = next(c for c in published(request["group"]) if c.name == name)
        with np.load(request["inputs"]) as stored:
            arrays = [stored[f"arr_{i}"] for i in range(len(case.shapes))]
        if request["dtype"] == "bfloat16":
            import ml_dtypes

            arrays = [array.astype(ml_dtypes.bfloat16) for array in arrays]
        prepared: Prepared = self.module.prepare(self.peer, case, arrays, self.threads)
        return prepared

    def _stream(self, request: dict[str, Any]) -> Prepared:
        from bench.peers.stream import Stream

        stream = Stream.load(request["network"], Path(request["graph"]), Path(request["inputs"]), request["length"])
        prepared: Prepared = self.module.prepare_stream(self.peer, stream, self.threads)
        return prepared

    def time(self, request: dict[str, Any]) -> dict[str, Any]:
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


def main() -> None:
    """Serve until stdin closes."""
    peer, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        worker = Worker(peer, threads)
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


if __name__ == "__main__":
    main()
