"""ONNX Runtime: one session with all threads, or a session of one thread in each of as many Python threads."""

from __future__ import annotations

from collections.abc import Callable

import onnxruntime as ort
from stretto.bench.peers import Prepared
from stretto.bench.peers.onnxruntime_peer import versions

from bench.peers.onnx_network import input_names, model_of
from bench.peers.stream import Array, Batch, Stream, in_threads, one_by_one

__all__ = ["prepare", "versions"]


def prepare(peer: str, stream: Stream, threads: int) -> Prepared:
    """Open the sessions."""
    model, names = model_of(stream.graph), input_names(stream.graph)
    if peer == "onnxruntime-threads":
        return stream.prepared(one_by_one(_session(model, names, threads)))
    return stream.prepared(in_threads([_session(model, names, 1) for _ in range(threads)]))


def _session(model: bytes, names: list[str], threads: int) -> Callable[[Batch], Array]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def call(batch: Batch) -> Array:
        result: Array = session.run(None, dict(zip(names, batch, strict=True)))[0]
        return result

    return call
