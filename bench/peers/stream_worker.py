"""A peer's process for streams; it prepares ``{"network", "graph": file, "inputs": file, "length"}``."""

from __future__ import annotations

from pathlib import Path

from stretto.bench.peers import worker

from bench.peers import STREAM_MODULES
from bench.peers.stream import Stream


def read(request: worker.Request) -> tuple[Stream]:
    """The stream of a request."""
    return (Stream.load(request["network"], Path(request["graph"]), Path(request["inputs"]), request["length"]),)


def serve(peer: str, threads: int) -> None:
    """Answer until stdin closes."""
    worker.serve(peer, threads, f"bench.peers.{STREAM_MODULES[peer]}", read)
