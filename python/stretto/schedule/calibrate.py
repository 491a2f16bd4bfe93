"""What was measured, kept on disk; and which points to measure next."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from stretto import _core
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Machine, Rates
from stretto.schedule.table import Point, Table

__all__ = ["Store", "measure_steps", "points_to_measure"]

FORMAT = 2
REPEATS = 7


class Store:
    """Rates and step times of one machine and one version of the package, in a file.

    The file lies in ``$STRETTO_CACHE``, or else in ``stretto`` below ``$XDG_CACHE_HOME`` or ``~/.cache``;
    ``STRETTO_CACHE=off`` keeps nothing. A file that cannot be read or written is as good as none.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.path = _path(machine)
        self.rates: Rates | None = None
        self.table = Table()
        if self.path is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            data = json.loads(self.path.read_text(encoding="utf-8"))
            if data["format"] == FORMAT:
                self.rates = Rates(**data["rates"]) if data["rates"] else None
                self.table = Table.from_data(data["steps"])

    def save(self) -> None:
        """Write the file in one go, so that no other process reads half of it."""
        if self.path is None:
            return
        data = {
            "format": FORMAT,
            "rates": asdict(self.rates) if self.rates else None,
            "steps": self.table.as_data(),
        }
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False, encoding="utf-8") as file:
                json.dump(data, file)
            os.replace(file.name, self.path)


def _path(machine: Machine) -> Path | None:
    place = os.environ.get("STRETTO_CACHE")
    if place == "off":
        return None
    try:
        folder = Path(place) if place else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stretto"
    except RuntimeError:  # a user without a home
        return None
    fingerprint = json.dumps([_core.__version__, asdict(machine)])
    return folder / f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:24]}.json"


def points_to_measure(samples: int, workers: int, *, may_cut: bool) -> list[tuple[int, int]]:
    """(micro-batch, threads) in the order of their use: the batch whole, its shares, one sample, then between."""
    if not may_cut:
        return [(samples, threads) for threads in sorted({1, workers})]
    share = -(-samples // workers)
    powers = [1 << i for i in range(max(1, samples).bit_length())]
    between = sorted((n for n in powers if 1 < n < samples), reverse=True)
    sizes = list(dict.fromkeys([samples, share, 1, *between]))
    points = [(size, 1) for size in sizes]
    if workers > 1:
        points[1:1] = [(samples, workers)]
        points += [(size, workers) for size in sizes[1:]]
    return list(dict.fromkeys(points))


def measure_steps(
    model: CostModel,
    points: Sequence[tuple[int, int]],
    measure: Callable[[int, int], Sequence[float]],
    seconds: float,
    progress: Callable[[], None] = lambda: None,
) -> bool:
    """Measure all steps at the points that the model's table does not have yet, as far as the time goes.

    Parameters
    ----------
    model : CostModel
        Its table is filled.
    points : sequence of (micro-batch, threads)
    measure : callable
        ``measure(samples, threads)`` runs the whole program and returns the seconds of each step.
    seconds : float
        About so long; the first point is measured once in any case.
    progress : callable, optional
        Called after each point.

    Returns
    -------
    bool
        Whether anything was measured.
    """
    steps = range(len(model.program.steps))
    began = time.perf_counter()
    measured = False
    for number, (samples, threads) in enumerate(points):
        held = model.held(steps, samples, threads=threads)
        if all(model.table.has(model.signatures[i], threads, samples, held) for i in steps):
            continue
        if measured and time.perf_counter() - began > seconds:
            break
        share = seconds / max(1, len(points) - number)
        times = _median_of_runs(measure, samples, threads, min(share, seconds))
        for i in steps:
            model.table.add(model.signatures[i], threads, Point(samples, times[i], held))
        measured = True
        progress()
    return measured


def _median_of_runs(
    measure: Callable[[int, int], Sequence[float]], samples: int, threads: int, seconds: float
) -> list[float]:
    end = time.perf_counter() + seconds
    runs = [measure(samples, threads)]
    while len(runs) < REPEATS and time.perf_counter() < end:
        runs.append(measure(samples, threads))
    return [statistics.median(times) for times in zip(*runs, strict=True)]
