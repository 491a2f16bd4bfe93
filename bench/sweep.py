"""Where selection thresholds of the kernels should lie: each is held against times on random shapes around it.

python -m bench.sweep [NAME ...] --out sweep.json

Three kinds of thresholds are swept. *rows*: two rows of a table of variants; where both fit, both are timed on the same
shape, and the ratio of their times is fitted against the size that decides. *paths*: two ways within one variant, which
cannot be forced; the time of an operation is fitted on either side, and both fits are asked for the threshold itself.
*threads*: one thread and all, on shapes of about 5 us to 1 ms. The gain is the time of the way above the threshold over
that of the way below it, at the threshold; the crossing is where a gain of the small way ends.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from stretto import _core
from stretto.bench.roofline import float_isa
from tqdm import tqdm

from bench.schedules.result import Result, aligned, described, heading
from bench.schedules.timing import take_turns
from bench.thresholds import SWEEPS, Sweep, Work

ROUNDS = 7
NEAR = 4.0  # a crossing further than this factor from the shapes is not one that was measured
DRAWS = 500  # of the bootstrap

Fit: TypeAlias = tuple[float, float]  # log y = first + second * log x


def fit(x: Sequence[float], y: Sequence[float]) -> Fit:
    """A straight line through logarithms, by least squares."""
    slope, level = np.polyfit(np.log(x), np.log(y), 1)
    return float(level), float(slope)


def crossing(first: Fit, second: Fit) -> float | None:
    """Where two fits have the same value, if they meet.

    Examples
    --------
    >>> round(crossing(fit([1, 10], [1, 10]), fit([1, 10], [4, 4])), 6)
    4.0
    """
    slope = first[1] - second[1]
    if slope == 0:
        return None
    at = (second[0] - first[0]) / slope
    return math.exp(at) if abs(at) < 50 else None


def drawn(sweep: Sweep, count: int) -> list[Work]:
    """Shapes of all sizes, evenly in the logarithm, the same in every run."""
    rng = np.random.default_rng(1)
    sizes = np.geomspace(sweep.low, sweep.high, count)
    return [sweep.draw(rng, float(size)) for size in sizes]


def calls_of(work: Work, ways: Sequence[dict[str, Any]]) -> list[Callable[[], object]]:
    """The call in several ways, each into an array of its own."""
    op, inputs = _core.op(work.op), work.inputs()
    operands: tuple[Any, ...] = inputs + (None,) * (len(op.inputs) - len(inputs))

    def call(way: dict[str, Any]) -> Callable[[], object]:
        out = op(operands, work.attributes, None, 1)
        return lambda: op(operands, work.attributes, out, way.get("threads", 1), way.get("variant"))

    return [call(way) for way in ways]


def best_times(work: Work, ways: Sequence[dict[str, Any]], rounds: int) -> list[float]:
    """The best seconds of each way; they take turns."""
    return [min(samples) for samples in take_turns(calls_of(work, ways), rounds)]


def sweep_rows(sweep: Sweep, works: Sequence[Work], rounds: int) -> Result:
    """Both variants on every shape that the smaller one accepts."""
    points = []
    for work in works:
        ways = [{"variant": row_of(work.op, name)} for name in (sweep.small, sweep.large)]
        if fits(work, ways[0]):
            small, large = best_times(work, ways, rounds)
            points.append({"size": work.size, "ratio": large / small})
    threshold = max(point["size"] for point in points)
    return {"threshold": threshold, "points": points, **ratio_summary(points, threshold)}


def row_of(op: str, name: str) -> str:
    """The best row of a variant that this machine can run."""
    return next(row for row, _, is_present in _core.op(op).variants if is_present and row.startswith(f"{name}_"))


def fits(work: Work, way: dict[str, Any]) -> bool:
    """Whether a variant takes the shape."""
    try:
        calls_of(work, [way])[0]()
    except NotImplementedError:
        return False
    return True


def sweep_paths(sweep: Sweep, works: Sequence[Work], rounds: int) -> Result:
    """The time of an operation on both sides of the threshold."""
    assert sweep.value is not None
    threshold = sweep.value()
    points = [{"size": work.size, "seconds": best_times(work, [{}], rounds)[0] / work.flops} for work in works]
    sizes = [work.size for work in works]
    sides = [[p for p in points if (p["size"] > threshold) == is_above] for is_above in (False, True)]
    jumps, crossings = [], []
    for own in resampled(sides):
        below, above = (fit([p["size"] for p in side], [p["seconds"] for p in side]) for side in own)
        jumps.append(math.exp(sum(sign * (f[0] + f[1] * math.log(threshold)) for sign, f in ((-1, below), (1, above)))))
        crossings.append(crossing(below, above) if below[1] > above[1] else None)
    return {"threshold": threshold, "points": points, "advantage": interval(jumps), "crossing": near(crossings, sizes)}


def sweep_threads(sweep: Sweep, works: Sequence[Work], rounds: int) -> Result:
    """One thread against all."""
    threads = _core.resolve_threads(0)
    points = []
    for work in works:
        alone, all_of_them = best_times(work, [{"threads": 1}, {"threads": threads}], rounds)
        points.append({"size": work.size, "ratio": alone / all_of_them, "seconds": alone})
    faster = [point["size"] for point in points if point["ratio"] > 1.05]
    worst = min(points, key=lambda point: point["ratio"])
    return {
        "threads": threads,
        "points": points,
        "first": min(faster, default=None),
        "worst": worst["ratio"],
        "worst_size": worst["size"],
    }


def ratio_summary(points: Sequence[Result], threshold: float) -> Result:
    """What the smaller variant gains at the threshold, and where its gain would end."""
    gains, crossings = [], []
    for (own,) in resampled([points]):
        line = fit([p["size"] for p in own], [p["ratio"] for p in own])
        gains.append(math.exp(line[0] + line[1] * math.log(threshold)))
        crossings.append(crossing(line, (0.0, 0.0)) if line[1] < 0 else None)
    sizes = [point["size"] for point in points]
    return {"advantage": interval(gains), "crossing": near(crossings, sizes)}


def resampled(sides: Sequence[Sequence[Result]]) -> Iterator[list[list[Result]]]:
    """The points themselves, then with replacement, as often as a bootstrap needs."""
    yield [list(side) for side in sides]
    rng = np.random.default_rng(2)
    for _ in range(DRAWS):
        chosen = [[side[i] for i in rng.integers(len(side), size=len(side))] for side in sides]
        if all(len({point["size"] for point in side}) > 1 for side in chosen):
            yield chosen


def interval(values: Sequence[float]) -> list[float]:
    """The first value, which is that of all points, and the 95 % interval of the others."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return [values[0], float(low), float(high)]


def near(crossings: Sequence[float | None], sizes: Sequence[float]) -> list[float] | None:
    """A crossing and its interval, if it lies near the shapes' sizes."""
    low, high = min(sizes) / NEAR, max(sizes) * NEAR
    if crossings[0] is None or not low <= crossings[0] <= high:
        return None
    return interval([crossings[0], *(min(max(at, low), high) for at in crossings[1:] if at is not None)])


KINDS = {"rows": sweep_rows, "paths": sweep_paths, "threads": sweep_threads}


def measure(arguments: argparse.Namespace) -> Result:
    """Every threshold asked for."""
    names = arguments.names or list(SWEEPS)
    unknown = [name for name in names if name not in SWEEPS]
    if unknown:
        raise SystemExit(f"sweep: unknown threshold: {unknown[0]}; there are {', '.join(SWEEPS)}")
    found = {}
    for name in tqdm(names, desc="thresholds", unit="threshold", disable=None):
        sweep = SWEEPS[name]
        works = drawn(sweep, arguments.shapes)
        found[name] = {"kind": sweep.kind, "unit": sweep.unit} | KINDS[sweep.kind](sweep, works, arguments.rounds)
    return {"isa": float_isa(), "thresholds": found}


def table(result: Result) -> str:
    """A line for each threshold."""
    lines = [("threshold", "decides", "value", "small way's gain there", "crossing")]
    for name, found in result["thresholds"].items():
        if found["kind"] == "threads":
            first = "none" if found["first"] is None else f"{found['first']:.3g}"
            worst = f"worst {found['worst']:.2f} at {found['worst_size']:.3g}"
            lines.append((name, found["unit"], f"{found['threads']} threads", worst, f"first gain at {first}"))
        else:
            lines.append((name, found["unit"], f"{found['threshold']:.4g}", *map(_ranged, _both(found))))
    return "\n".join([f"{heading(result)}, {result['isa']}", *aligned(lines, 2)])


def _both(found: Result) -> tuple[list[float] | None, list[float] | None]:
    return found["advantage"], found["crossing"]


def _ranged(values: list[float] | None) -> str:
    return "not near" if values is None else f"{values[0]:.3g} ({values[1]:.3g} to {values[2]:.3g})"


def main(command: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SWEEPS)} (default: all)")
    parser.add_argument("--shapes", type=int, default=40, help="random shapes of each threshold")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="turns of each way")
    parser.add_argument("--out", type=Path, help="write the result here as JSON")
    arguments = parser.parse_args(command)
    result = described(arguments, measure(arguments))
    if arguments.out:
        arguments.out.write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
