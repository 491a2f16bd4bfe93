"""The libraries that are compared, one module each, run by ``worker.py`` in a process of its own.

A module has ``versions(threads)``, which imports the library, pins its threads and names its parts, and
``prepare(peer, case, arrays, threads)`` or, for streams of batches through a network, ``prepare_stream(peer, stream,
threads)``. These return a `Prepared` call or raise `UnsupportedError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Array = Any  # a NumPy array; this module is read without NumPy

# Peer -> its module. The first two are ours; the others are what --against may name.
MODULES = {
    "stretto": "stretto_peer",
    "stretto-plain": "stretto_peer",
    "numpy": "numpy_peer",
    "torch": "torch_peer",
    "torch-channels-last": "torch_peer",
    "onnxruntime": "onnxruntime_peer",
    "openvino": "openvino_peer",
}
OURS = ("stretto", "stretto-plain")
PEERS = tuple(name for name in MODULES if name not in OURS)

# The same for streams: library and setting.
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


class UnsupportedError(Exception):
    """The peer has no such operation, dtype or layout."""


@dataclass(frozen=True)
class Prepared:
    """``call()`` runs the case once; ``result()`` gives the last result, channels first."""

    call: Callable[[], object]
    result: Callable[[], Array]
    keep: object = None  # what the library points into and does not own
