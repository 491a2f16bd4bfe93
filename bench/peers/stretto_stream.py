"""Stretto's own stream, its serial rate on one worker, and single calls planned for latency."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import stretto as st
from stretto.bench.peers import Prepared
from stretto.bench.peers.stretto_peer import versions

from bench.networks import NETWORKS
from bench.peers.stream import Array, Batch, Stream, one_by_one

__all__ = ["prepare", "versions"]


def prepare(peer: str, stream: Stream, threads: int) -> Prepared:
    """Plan for the batch size of the stream."""
    network, example = NETWORKS[stream.network].make(), stream.distinct[0]
    if peer == "stretto-serial":
        serial = st.plan(network, example, schedule="serial", workers=1)
        return stream.prepared(one_by_one(lambda batch: serial(*batch)), serial)
    if peer == "stretto-latency":
        quick = st.plan(network, example, workers=threads, objective="latency")
        return Prepared(lambda: quick(*example), lambda: np.stack([quick(*batch) for batch in stream.distinct]), quick)
    plan = st.plan(network, example, workers=threads)

    def run(batches: Sequence[Batch], keep: bool) -> list[Array]:
        return list(deque(plan.stream(batches, copy=False), maxlen=None if keep else 0))

    return stream.prepared(run, plan)
