"""OpenVINO with the throughput hint: its own queue of requests, or a request in each of as many Python threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import openvino as ov
from stretto.bench.peers import Prepared
from stretto.bench.peers.openvino_peer import versions

from bench.peers.onnx_network import model_of
from bench.peers.stream import Array, Batch, Run, Stream, in_threads

__all__ = ["prepare", "versions"]

_CORE = ov.Core()


def prepare(peer: str, stream: Stream, threads: int) -> Prepared:
    """Compile the model in full precision; the queue's length is what OpenVINO says is best."""
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    if peer == "openvino-requests":
        options["NUM_STREAMS"] = threads
    compiled = _CORE.compile_model(_CORE.read_model(model_of(stream.graph)), "CPU", options)
    if peer == "openvino-requests":
        return stream.prepared(in_threads([_request(compiled) for _ in range(threads)]), compiled)
    return stream.prepared(_queue(compiled), compiled)


def _request(compiled: Any) -> Callable[[Batch], Array]:
    request = compiled.create_infer_request()

    def call(batch: Batch) -> Array:
        request.infer(dict(enumerate(batch)), share_inputs=True)
        return np.array(request.get_output_tensor().data)

    return call


def _queue(compiled: Any) -> Run:
    queue = ov.AsyncInferQueue(compiled)
    results: dict[int, Array] = {}

    def finished(request: Any, index: int) -> None:
        result = np.array(request.get_output_tensor().data)  # the request's own memory is used again
        if index >= 0:
            results[index] = result

    queue.set_callback(finished)

    def run(batches: Sequence[Batch], keep: bool) -> list[Array]:
        results.clear()
        for index, batch in enumerate(batches):
            queue.start_async(dict(enumerate(batch)), index if keep else -1, share_inputs=True)
        queue.wait_all()
        return [results[index] for index in sorted(results)]

    return run
