"""The same libraries running streams of batches through a network; one module each, run by ``stream_worker.py``.

A module has ``versions(threads)`` and ``prepare(peer, stream, threads)``, as those of ``stretto.bench.peers``.
"""

from __future__ import annotations

from pathlib import Path

from stretto.bench.peer import Peer

__all__ = ["STREAM_MODULES", "stream_peer"]

ROOT = Path(__file__).resolve().parents[2]

# Library and setting -> its module.
STREAM_MODULES = {
    "stretto-stream": "stretto_stream",
    "stretto-serial": "stretto_stream",
    "stretto-latency": "stretto_stream",  # one call, planned for the objective of that name
    "onnxruntime-threads": "onnxruntime_stream",
    "onnxruntime-sessions": "onnxruntime_stream",
    "openvino-queue": "openvino_stream",
    "openvino-requests": "openvino_stream",
    "torch-threads": "torch_stream",
    "torch-threads-channels-last": "torch_stream",
    "torch-sessions": "torch_stream",
    "torch-sessions-channels-last": "torch_stream",
}


def stream_peer(name: str, python: str, threads: int) -> Peer:
    """Start the process of a key of `STREAM_MODULES`."""
    return Peer(name, python, threads, worker="bench.peers.stream_worker", paths=[str(ROOT)])
