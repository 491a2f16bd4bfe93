"""Throughput of streams, NumPy arrays in and out: ours, our serial rate, and the other libraries at their best."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import stretto as st
from stretto import _core
from stretto.bench.peer import SETTLE_SECONDS, Peer, statistics_of, take_turns
from stretto.bench.roofline import float_isa
from tqdm import tqdm

from bench.networks import Network, named
from bench.peers import STREAM_MODULES, stream_peer
from bench.peers.graph import graph_of
from bench.schedules.result import Result, aligned, heading
from bench.schedules.timing import seconds_of

BOUND = 2e-5  # of the largest element: what results of float32 networks may differ by
DISTINCT = 8  # batches of different data
STREAM_SECONDS = 0.05  # of one stream on one worker, so that its begin and end do not count
LEAST_BATCHES, MOST_BATCHES = 16, 2048
CORES_SECONDS = 0.01  # of fused multiply-adds, on one core and on all
SMALL_SECONDS = 100e-6  # a sample on one worker: what the higher goal is for
OURS, SERIAL = "stretto-stream", "stretto-serial"
LIBRARIES = ("onnxruntime", "openvino", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Networks, batches, peers, and how long."""
    parser.add_argument("--networks", help="names, separated by commas (default: all)")
    parser.add_argument("--batches", default="1,32")
    parser.add_argument("--against", default=",".join(LIBRARIES), help="libraries; none for ours alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each network, batch and peer")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the peers")


def measure(arguments: argparse.Namespace) -> Result:
    """Start the peers, verify, and let them take turns."""
    wanted = [name for name in arguments.against.split(",") if name != "none"]
    unknown = [name for name in wanted if name not in LIBRARIES]
    if unknown:
        raise SystemExit(f"stream: unknown library: {unknown[0]}; the libraries are {', '.join(LIBRARIES)}")
    settings = [name for name in STREAM_MODULES if name.split("-")[0] in wanted]
    peers = [stream_peer(name, sys.executable, arguments.threads) for name in (OURS, SERIAL)]
    peers += [stream_peer(name, arguments.peers_python, arguments.threads) for name in settings]
    present = [peer for peer in peers if peer.is_present]
    cases = [(n, int(b)) for n in named(arguments.networks) for b in arguments.batches.split(",")]
    memory = Path("/dev/shm")
    try:
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
            rows = [
                _row(network, batch, present, arguments, Path(scratch))
                for network, batch in tqdm(cases, desc="streams", unit="case", disable=None)
            ]
    finally:
        for peer in peers:
            peer.close()
    return {"peers": {peer.name: peer.about for peer in peers}, "rows": rows, "summary": _summary(rows)}


def _row(network: Network, batch: int, peers: list[Peer], arguments: argparse.Namespace, scratch: Path) -> Result:
    distinct = [network.example(batch, seed) for seed in range(DISTINCT)]
    program = st.trace(network.make(), *distinct[0])
    with st.plan(program, distinct[0], schedule="serial", workers=1) as serial:
        expected = np.stack([serial(*inputs) for inputs in distinct])
        seconds = min(seconds_of(lambda: serial(*distinct[0])) for _ in range(5))
    length = min(MOST_BATCHES, max(LEAST_BATCHES, math.ceil(STREAM_SECONDS / seconds)))
    files = {name: str(scratch / f"{name}.npz") for name in ("graph", "inputs")} | {"result": str(scratch / "y.npy")}
    graph_of(program, batch).save(Path(files["graph"]))
    stacked: dict[str, Any] = {f"input{i}": np.stack(arrays) for i, arrays in enumerate(zip(*distinct, strict=True))}
    np.savez(files["inputs"], **stacked)
    entries: dict[str, Result] = {}
    ready = []
    for peer in peers:
        reply = peer.ask(do="prepare", network=network.name, length=length, **files)
        if "ready" in reply:
            reply = _verified(expected, np.load(files["result"]))
        entries[peer.name] = reply
        if reply.keys() == {"error"}:
            ready.append(peer)
    cores = _cores(arguments.threads)
    turns, lost = take_turns(ready, arguments.rounds, arguments.seconds, SETTLE_SECONDS)
    cores = (cores + _cores(arguments.threads)) / 2
    entries |= lost
    for name, own in turns.items():
        times = statistics_of(own)
        entries[name] |= times | {"rate": batch * length / times["median"]}
    row: Result = {"network": network.name, "batch": batch, "length": length, "times": entries, "cores": cores}
    return row | _ratios(entries, arguments.threads)


def _cores(threads: int) -> float:
    """What the cores do together over what each does alone: less than 1 where virtual ones share a real one."""

    def rate(_: int = 0) -> float:
        return float(_core.fma_peaks(CORES_SECONDS)[float_isa()]["float32"])

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(rate, range(threads))) / (threads * rate())


def _verified(expected: Any, result: Any) -> Result:
    """The error of a peer's result, and whether it is too large."""
    if result.shape != expected.shape:
        return {"wrong": f"the shape is {result.shape}; it should be {expected.shape}"}
    error = float(np.abs(result - expected).max() / np.abs(expected).max())
    return {"error": error} | ({} if error <= BOUND else {"wrong": f"the error is {error:.3g}; {BOUND} is allowed"})


def _ratios(entries: dict[str, Result], threads: int) -> Result:
    """Ours over each library's best setting, and over what so many workers would do at the serial rate."""
    rates = {name: entry["rate"] for name, entry in entries.items() if "rate" in entry}
    ours, serial = rates.get(OURS), rates.get(SERIAL)
    if not ours or not serial:
        return {"efficiency": None, "ratios": {}, "best": {}}
    best = {
        library: max(own, key=lambda name: rates[name])
        for library in LIBRARIES
        if (own := [name for name in rates if name.split("-")[0] == library])
    }
    return {
        "efficiency": ours / (threads * serial),
        "is_small": 1 / serial < SMALL_SECONDS,
        "best": best,
        "ratios": {library: ours / rates[name] for library, name in best.items()},
    }


def _summary(rows: list[Result]) -> Result:
    """Geometric mean and worst of ours over the fastest library, of small networks and of the others."""
    found: Result = {}
    for name, is_small in (("under 100 us a sample", True), ("others", False)):
        ratios = [min(row["ratios"].values()) for row in rows if row["ratios"] and row["is_small"] == is_small]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            found[name] = {"geometric_mean": mean, "worst": min(ratios), "cases": len(ratios)}
    return found


def table(result: Result) -> str:
    """Samples a second, and the ratios."""
    head = (
        "network",
        "batch",
        "ours/s",
        "serial/s",
        "ours/(workers x serial)",
        "cores",
        *(f"/{name}" for name in LIBRARIES),
    )
    lines = [(*head, "fastest peer")]
    problems = [f"absent: {name}: {about['absent']}" for name, about in result["peers"].items() if "absent" in about]
    for row in result["rows"]:
        times = row["times"]
        rates = [f"{times[name]['rate']:.0f}" if "rate" in times.get(name, {}) else "-" for name in (OURS, SERIAL)]
        ratios = [f"{row['ratios'][name]:.2f}" if name in row["ratios"] else "-" for name in LIBRARIES]
        fastest = min(row["ratios"], key=lambda name: row["ratios"][name], default=None)
        efficiency = f"{row['efficiency']:.2f}" if row["efficiency"] else "-"
        peer = row["best"][fastest] if fastest else ""
        lines.append((row["network"], str(row["batch"]), *rates, efficiency, f"{row['cores']:.2f}", *ratios, peer))
        problems += [
            f"{row['network']}, batch {row['batch']}: {name}: {kind}: {entry[kind]}"
            for name, entry in times.items()
            for kind in ("wrong", "failed", "unsupported")
            if kind in entry
        ]
    last = [
        f"{name}: geometric mean of ours / fastest peer {found['geometric_mean']:.2f} over {found['cases']},"
        f" worst {found['worst']:.2f}"
        for name, found in result["summary"].items()
    ]
    return "\n".join([heading(result), *aligned(lines), *last, *problems])
