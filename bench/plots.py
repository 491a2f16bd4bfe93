"""Draw results of ``python -m stretto bench``.

python -m bench.plots roofline result.json --svg roofline.svg
python -m bench.plots ratios result.json --svg ratios.svg
python -m bench.plots scaling one_thread.json two_threads.json --svg scaling.svg
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from stretto.bench.peers import PEERS
from stretto.bench.report import by_group, fastest_peer, ratio

__all__ = ["draw"]

Result: TypeAlias = dict[str, Any]
COLOURS = {name: f"C{number}" for number, name in enumerate(PEERS)}
MARKERS = {"bmm": "o", "conv": "s", "conv_transpose": "D", "elementwise": "^", "overhead": "v"}
TICKS = (0.25, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def roofline(results: Sequence[Result], figure: Any) -> None:
    """The fraction of the fma peak that each case reaches, against its operations for each compulsory byte."""
    (result,) = results
    axes = figure.subplots()
    peaks = result["peaks"]
    top = peaks["flops"][peaks["isa"]]["float64" if result["dtype"] == "float64" else "float32"]
    intensities = []
    for group, rows in by_group(result["cases"]).items():
        timed = [row for row in rows if row["bound"] and "best" in row["times"].get("stretto", {})]
        x = [row["flops"] / (row["read"] + row["written"]) for row in timed]
        y = [row["flops"] / row["times"]["stretto"]["best"] / top for row in timed]
        if timed:
            axes.plot(x, y, MARKERS[group], markersize=5, alpha=0.75, label=group)
        intensities += x
    low, high = min(intensities) / 1.5, max(intensities) * 1.5
    for level, held in (*peaks["held"].items(), ("memory", float("inf"))):
        rates = _stream_of(peaks, held)
        share = rates["read"] / top
        edge = min(high, 1 / share)
        axes.plot([low, edge], [low * share, edge * share], color="0.6", linewidth=0.8)
        axes.annotate(f"{level}, {rates['read'] / 1e9:.0f} GB/s", (low, low * share), fontsize="x-small", va="bottom")
    axes.axhline(1, color="0.4", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(low, high))
    axes.set(xlabel="operations for each compulsory byte", ylabel=f"fraction of {top / 1e9:.0f} GFLOP/s")
    axes.legend(loc="lower right", fontsize="small")
    _finish(axes, result)


def _stream_of(peaks: Result, held: float) -> Result:
    """The measured stream next to half of what a level holds; the largest for the memory."""
    pairs: list[tuple[int, Result]] = list(zip(peaks["sizes"], peaks["streams"], strict=True))
    if held == float("inf"):
        return pairs[-1][1]
    return min(pairs, key=lambda pair: abs(pair[0] - held / 2))[1]


def ratios(results: Sequence[Result], figure: Any) -> None:
    """Our speed over that of each peer, a group of bars for each case; above one we are faster."""
    (result,) = results
    groups = by_group(result["cases"])
    for axes, (group, rows) in zip(figure.subplots(len(groups), 1, squeeze=False)[:, 0], groups.items(), strict=True):
        names = [name for name in result["peers"] if any(_speed(row, name) for row in rows)]
        width = 0.8 / max(1, len(names))
        for number, name in enumerate(names):
            bars = [(place, speed) for place, row in enumerate(rows) if (speed := _speed(row, name))]
            places = [place + (number - (len(names) - 1) / 2) * width for place, _ in bars]
            heights = [speed - 1 for _, speed in bars]
            axes.bar(places, heights, width, bottom=1, label=name, color=COLOURS[name])
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_yscale("log")
        _plain_ticks(axes.yaxis, [speed for row in rows for name in names if (speed := _speed(row, name))])
        axes.set_xticks(range(len(rows)), [row["name"] for row in rows], rotation=35, ha="right", fontsize="small")
        axes.set_ylabel(f"{group}: our speed / theirs")
        axes.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
        _finish(axes, result)


def _speed(row: Result, peer: str) -> float | None:
    own, other = (row["times"].get(name, {}).get("best") for name in ("stretto", peer))
    return other / own if own and other and peer in COLOURS else None


def scaling(results: Sequence[Result], figure: Any) -> None:
    """How many times faster several threads are than one, against the time on one: ours and the fastest peer."""
    one, *others = sorted(results, key=lambda result: result["threads"])
    if one["threads"] != 1 or not others or any(other["dtype"] != one["dtype"] for other in others):
        raise SystemExit("plots: scaling needs a result of one thread and others of more threads, of one dtype")
    axes = figure.subplots()
    alone = {(row["group"], row["name"]): row for row in one["cases"]}
    for number, other in enumerate(others):
        pairs = [
            (alone[key], row) for row in other["cases"] if (key := (row["group"], row["name"])) in alone and ratio(row)
        ]
        for label, marker, seconds in (("stretto", "o", _own), ("the fastest peer", "x", _fastest)):
            points = [(seconds(a), seconds(a) / seconds(b)) for a, b in pairs if ratio(a)]
            text = f"{label}, {other['threads']} threads"
            axes.plot(*zip(*points, strict=True), marker, label=text, color=f"C{number}", alpha=0.8)
        axes.axhline(other["threads"], color="0.4", linewidth=0.8)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel="seconds on one thread", ylabel="times as fast as one thread", ylim=0)
    axes.legend(fontsize="small")
    _finish(axes, others[-1])


def _own(row: Result) -> float:
    return float(row["times"]["stretto"]["best"])


def _fastest(row: Result) -> float:
    peer = fastest_peer(row)
    assert peer is not None
    return peer[1]


def _plain_ticks(axis: Any, values: Sequence[float]) -> None:
    shown = [tick for tick in TICKS if min(values) / 1.2 <= tick <= max(values) * 1.2]
    axis.set_ticks(shown, [f"{tick:g}" for tick in shown])
    axis.set_ticks([], minor=True)


def _finish(axes: Any, result: Result) -> None:
    where = f"{result['machine']['model']}, {result['threads']} thread(s), {result['dtype']}, {result['date'][:10]}"
    axes.set_title(where, fontsize="small")
    axes.grid(color="0.93")
    axes.set_axisbelow(True)


DRAWINGS: dict[str, Callable[[Sequence[Result], Any], None]] = {
    "roofline": roofline,
    "ratios": ratios,
    "scaling": scaling,
}
PANEL = (7.0, 4.8)  # inches
WIDE_PANEL = (12.0, 3.4)  # of each suite


def draw(what: str, results: Sequence[Result], file: Path) -> None:
    """Draw a key of `DRAWINGS` as SVG, or whatever the suffix says; the same results give the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    suites = len(by_group(results[0]["cases"]))
    size = (WIDE_PANEL[0], WIDE_PANEL[1] * suites) if what == "ratios" else PANEL
    with matplotlib.rc_context({"svg.hashsalt": "stretto"}):
        figure = pyplot.figure(figsize=size, layout="constrained")
        DRAWINGS[what](results, figure)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
        pyplot.close(figure)


def main(command: list[str] | None = None) -> int:
    """Read, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("what", choices=DRAWINGS)
    parser.add_argument("results", type=Path, nargs="+", help="JSON files; one, but for scaling")
    parser.add_argument("--svg", type=Path, required=True, help="or any other suffix that matplotlib writes")
    arguments = parser.parse_args(command)
    if arguments.what != "scaling" and len(arguments.results) != 1:
        parser.error(f"{arguments.what} takes one result: {len(arguments.results)} are given")
    draw(arguments.what, [json.loads(file.read_text(encoding="utf-8")) for file in arguments.results], arguments.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
