"""A stream of batches through one network, NumPy arrays in and out, as every library is asked to run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from stretto.bench.peers import Prepared

from bench.peers.graph import Graph

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Batch: TypeAlias = tuple[Array, ...]  # one array for each input of the network
# Runs batches; returns the results in order, or none of them when they are not to be kept.
Run: TypeAlias = Callable[[Sequence[Batch], bool], list[Array]]


@dataclass(frozen=True)
class Stream:
    """``length`` batches, the distinct ones again and again."""

    network: str  # its name in the suite
    graph: Graph
    distinct: list[Batch]
    length: int

    @classmethod
    def load(cls, network: str, graph: Path, inputs: Path, length: int) -> Stream:
        """Read what the benchmark has written: arrays ``input{i}`` of (distinct batches, samples, ...)."""
        with np.load(inputs) as stored:
            stacked = [stored[f"input{i}"] for i in range(len(stored.files))]
        distinct = [tuple(array[k] for array in stacked) for k in range(len(stacked[0]))]
        return cls(network, Graph.load(graph), distinct, length)

    def prepared(self, run: Run, keep: object = None) -> Prepared:
        """What the peer's process times: the whole stream; its result: that of the distinct batches."""
        batches = [self.distinct[i % len(self.distinct)] for i in range(self.length)]
        return Prepared(lambda: run(batches, False), lambda: np.stack(run(self.distinct, True)), keep)


def in_threads(calls: Sequence[Callable[[Batch], Array]]) -> Run:
    """Python threads, one for each call; each takes every n-th batch, so that none waits for another."""
    pool = ThreadPoolExecutor(len(calls))

    def run(batches: Sequence[Batch], keep: bool) -> list[Array]:
        results: dict[int, Array] = {}

        def share(number: int) -> None:
            call = calls[number]
            for index in range(number, len(batches), len(calls)):
                result = call(batches[index])
                if keep:
                    results[index] = result

        list(pool.map(share, range(len(calls))))
        return [results[index] for index in sorted(results)]

    return run


def one_by_one(call: Callable[[Batch], Array]) -> Run:
    """The calling thread takes every batch."""

    def run(batches: Sequence[Batch], keep: bool) -> list[Array]:
        results = []
        for batch in batches:
            result = call(batch)
            if keep:
                results.append(result)
        return results

    return run
