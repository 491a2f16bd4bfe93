"""Cases and peers into a result: every peer is verified, then they take turns."""

from __future__ import annotations

import datetime
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stretto import __version__
from stretto.bench import machine, report, truth
from stretto.bench.cases import Case
from stretto.bench.peer import SETTLE_SECONDS, Peer, statistics_of, take_turns
from stretto.bench.peers import OURS
from stretto.bench.roofline import RATE_SECONDS, Peaks, bound, measure_peaks

__all__ = ["Settings", "measure"]

ITEMSIZE = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure.

    Parameters
    ----------
    against : sequence of str
        Peers of ``stretto.bench.peers.PEERS``.
    threads : int
    dtype : str
        A key of ``stretto.bench.truth.EPSILON``.
    precision : {"highest", "high", "medium"}
        Of our products and convolutions; the peers' stay as they are.
    seconds : float
        For each case and peer.
    rounds : int
        Turns of each peer in a case.
    plain : bool
        Time our call without ``prepare`` and ``out=`` too.
    peers_python : str
        The interpreter that has the peers.
    """

    against: Sequence[str] = ()
    threads: int = 1
    dtype: str = "float32"
    precision: str = "highest"
    seconds: float = 0.3
    rounds: int = 5
    plain: bool = False
    peers_python: str = sys.executable


def measure(
    cases: Sequence[Case], settings: Settings, commit: str | None = None, done: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Time every case; what is returned is the JSON of ``--out``.

    Parameters
    ----------
    cases : sequence of Case
    settings : Settings
    commit : str, optional
        Of what is measured, where that is known.
    done : callable, optional
        Called after each case.
    """
    ours = OURS if settings.plain else OURS[:1]
    rate_seconds = min(RATE_SECONDS, settings.seconds)
    peaks = measure_peaks(settings.threads, rate_seconds)
    peers = [Peer(name, sys.executable, settings.threads) for name in ours]
    peers += [Peer(name, settings.peers_python, settings.threads) for name in settings.against]
    present = [peer for peer in peers if peer.is_present]
    memory = Path("/dev/shm")
    rows = []
    try:
        with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
            for case in cases:
                rows.append(_row(case, present, settings, Path(scratch)))
                done()
    finally:
        for peer in peers:
            peer.close()
    peaks = peaks.merged(measure_peaks(settings.threads, rate_seconds))
    for row in rows:
        row["bound"] = _bound(row, peaks, settings.dtype)
    return {
        "format": 2,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "commit": commit,
        "machine": machine.describe(),
        "peaks": asdict(peaks),
        "threads": settings.threads,
        "dtype": settings.dtype,
        "precision": settings.precision,
        "seconds": settings.seconds,
        "rounds": settings.rounds,
        "peers": {peer.name: peer.about for peer in peers},
        "cases": rows,
        "summary": report.summary(rows),
    }


def _row(case: Case, peers: Sequence[Peer], settings: Settings, scratch: Path) -> dict[str, Any]:
    arrays = truth.inputs_of(case, settings.dtype)
    expected = truth.truth_of(case, arrays)
    files = {"inputs": str(scratch / "inputs.npz"), "result": str(scratch / "result.npy")}
    np.savez(files["inputs"], *arrays)
    entries: dict[str, dict[str, Any]] = {}
    for peer in peers:
        precision = settings.precision if peer.name in OURS else "highest"
        reply = peer.ask(
            do="prepare", group=case.group, case=case.name, dtype=settings.dtype, precision=precision, **files
        )
        if "ready" in reply:
            result = np.load(files["result"])
            worst, relative = truth.error_of(case, arrays, expected, result, settings.dtype, precision)
            reply = {"error": relative}
            if worst > 1:
                reply["wrong"] = f"an error is {worst:.3g} of what is allowed"
        entries[peer.name] = reply
    right = [peer for peer in peers if entries[peer.name].keys() == {"error"}]
    turns, lost = take_turns(right, settings.rounds, settings.seconds, SETTLE_SECONDS if settings.threads > 1 else 0.0)
    entries |= lost
    for name, own in turns.items():
        entries[name] |= statistics_of(own)
    return {
        "group": case.group,
        "name": case.name,
        "op": case.op,
        "shapes": case.shapes,
        "options": case.options,
        "flops": case.flops,
        "read": case.read * ITEMSIZE[settings.dtype],
        "written": expected.size * ITEMSIZE[settings.dtype],
        "times": entries,
    }


def _bound(row: dict[str, Any], peaks: Peaks, dtype: str) -> dict[str, Any] | None:
    """What the roofline allows; calls of the overhead suite are bound by the call itself."""
    if row["group"] == "overhead":
        return None
    found = bound(peaks, row["flops"], row["read"], row["written"], dtype)
    return asdict(found) if found else None
