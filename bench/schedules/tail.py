"""How long the slowest calls take while other processes keep the cores busy."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import stretto as st
from stretto.bench.peer import SETTLE_SECONDS, Peer

from bench.networks import NETWORKS
from bench.peers import stream_peer
from bench.peers.graph import graph_of
from bench.schedules.result import Result, aligned, duration, heading
from bench.schedules.timing import median

NETWORK = "digits"  # one sample is about 100 us of work
PRODUCT = 200  # rows and columns of the product that stands beside it
PLAN = "stretto-latency"
PRODUCTS = ("stretto", "numpy", "torch")
NEIGHBOURS = (0, 1, 2)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, and where the peers are."""
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each library, thread count and neighbour")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each library")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the peers")


def measure(arguments: argparse.Namespace) -> Result:
    """Every library on one thread and on all, each in a process of its own, taking turns."""
    peers: dict[tuple[str, int], Peer] = {}
    for threads in sorted({1, arguments.threads}):
        for name in (PLAN, *PRODUCTS):
            python = sys.executable if name.startswith("stretto") else arguments.peers_python
            peers[name, threads] = (stream_peer if name == PLAN else Peer)(name, python, threads)
    absent = {name: peer.about["absent"] for (name, _), peer in peers.items() if not peer.is_present}
    try:
        present = {key: peer for key, peer in peers.items() if key[0] not in absent}
        with tempfile.TemporaryDirectory() as scratch:
            for (name, _), peer in present.items():
                _prepare(peer, name, Path(scratch))
        rows = [row for neighbours in NEIGHBOURS for row in _rows(present, neighbours, arguments)]
    finally:
        for peer in peers.values():
            peer.close()
    quiet = {row["library"]: row["median"] for row in rows if row["threads"] == 1 and row["neighbours"] == 0}
    for row in rows:
        row["ratio"] = row["percentile_99"] / quiet[row["library"]]
    return {"absent": absent, "rows": rows}


def _prepare(peer: Peer, name: str, scratch: Path) -> None:
    """Have the call made, and its result verified."""
    if name == PLAN:
        inputs, files, expected = _network_files(scratch)
        reply = peer.ask(do="prepare", network=NETWORK, length=1, **files)
    else:
        rng = np.random.default_rng(0)
        inputs = tuple(rng.standard_normal((PRODUCT, PRODUCT), np.float32) for _ in range(2))
        files = {"inputs": str(scratch / "product.npz"), "result": str(scratch / "product.npy")}
        np.savez(files["inputs"], *inputs)
        shapes = [array.shape for array in inputs]
        reply = peer.ask(do="prepare", group="bmm", case="product", shapes=shapes, dtype="float32", **files)
        expected = inputs[0].astype(np.float64) @ inputs[1]
    if "ready" not in reply:
        raise SystemExit(f"tail: {name} cannot run: {reply}")
    error = np.abs(np.load(files["result"]) - expected).max() / np.abs(expected).max()
    if error > 1e-5:
        raise SystemExit(f"tail: {name} is wrong: the error is {error:.3g}; 1e-05 is allowed")


def _network_files(scratch: Path) -> tuple[tuple[Any, ...], dict[str, str], Any]:
    inputs = NETWORKS[NETWORK].example(1)
    program = st.trace(NETWORKS[NETWORK].make(), *inputs)
    files = {key: str(scratch / f"{key}.npz") for key in ("graph", "inputs")} | {"result": str(scratch / "y.npy")}
    graph_of(program, 1).save(Path(files["graph"]))
    np.savez(files["inputs"], input0=inputs[0][None])
    with st.plan(program, inputs, schedule="serial") as serial:
        return inputs, files, serial(*inputs)[None]


def _rows(peers: dict[tuple[str, int], Peer], neighbours: int, arguments: argparse.Namespace) -> list[Result]:
    samples: dict[tuple[str, int], list[float]] = {key: [] for key in peers}
    with busy(neighbours):
        for _ in range(arguments.rounds):
            for key, peer in peers.items():
                time.sleep(SETTLE_SECONDS)
                reply = peer.ask(do="time", seconds=arguments.seconds / arguments.rounds, calls=1)
                if "samples" not in reply:
                    raise SystemExit(f"tail: {key[0]} failed: {reply}")
                samples[key] += reply["samples"]
    return [
        {
            "library": name,
            "work": "plan(x)" if name == PLAN else f"{PRODUCT}x{PRODUCT} product",
            "threads": threads,
            "neighbours": neighbours,
            "calls": len(own),
            "median": median(own),
            "percentile_99": float(np.percentile(own, 99)),
        }
        for (name, threads), own in samples.items()
    ]


@contextlib.contextmanager
def busy(neighbours: int) -> Iterator[None]:
    """So many processes that compute without end."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()


def table(result: Result) -> str:
    """A line for each library, thread count and number of neighbours."""
    lines = [("library", "work", "threads", "neighbours", "calls", "median", "99 %", "/ quiet median, one thread")]
    for row in result["rows"]:
        counts = (str(row["threads"]), str(row["neighbours"]), str(row["calls"]))
        times = (duration(row["median"]), duration(row["percentile_99"]))
        lines.append((row["library"], row["work"], *counts, *times, f"{row['ratio']:.1f}"))
    absent = [f"absent: {name}: {why}" for name, why in result["absent"].items()]
    return "\n".join([heading(result), *aligned(lines, 2), *absent])
