"""PyTorch: all threads in each op, or a network of one thread in each of as many Python threads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from stretto.bench.peers import Prepared
from stretto.bench.peers.torch_peer import versions

from bench.peers.stream import Array, Batch, Stream, in_threads, one_by_one
from bench.peers.torch_network import Run, fastest_form

__all__ = ["prepare", "versions"]


def prepare(peer: str, stream: Stream, threads: int) -> Prepared:
    """Choose the fastest form of the network."""
    own = peer.startswith("torch-sessions")
    torch.set_num_threads(1 if own else threads)
    example = [torch.from_numpy(x) for x in stream.distinct[0]]
    with torch.inference_mode():
        form, run = fastest_form(stream.graph, peer.endswith("channels-last"), example)
    call = _call(run, 1 if own else threads)
    return stream.prepared(in_threads([call] * threads) if own else one_by_one(call), form)


def _call(run: Run, threads: int) -> Callable[[Batch], Array]:
    def call(batch: Batch) -> Array:
        if torch.get_num_threads() != threads:  # a property of the Python thread
            torch.set_num_threads(threads)
        with torch.inference_mode():
            result: Array = run(*map(torch.from_numpy, batch)).numpy()
        return result

    return call
