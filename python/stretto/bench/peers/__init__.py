"""The libraries that are compared, one module each, run by ``worker.py`` in a process of its own.

A module has ``versions(threads)``, which imports the library, pins its threads and names its parts, and
``prepare(peer, case, arrays, threads)``, which returns a `Prepared` call or raises `UnsupportedError`.
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


class UnsupportedError(Exception):
    """The peer has no such operation, dtype or layout."""


@dataclass(frozen=True)
class Prepared:
    """``call()`` runs the case once; ``result()`` gives the last result, channels first."""

    call: Callable[[], object]
    result: Callable[[], Array]
    keep: object = None  # what the library points into and does not own
