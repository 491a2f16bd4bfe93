"""Draw what bench.schedules has measured, from its JSON.

python -m bench.schedules.plots predict.json --svg predicted.svg
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.schedules import gantt
from bench.schedules.result import Result

WITHIN = 0.15  # the band of the goal
LIBRARY_COLOURS = {"onnxruntime": "C0", "openvino": "C1", "torch": "C2"}


def predicted(result: Result, axes: Any) -> None:
    """Predicted over measured seconds, with the band of 15 %."""
    from matplotlib.ticker import LogLocator

    rows = result["rows"]
    times = [row[key] for row in rows for key in ("measured", "predicted") if row[key] > 0]
    low, high = min(times) / 1.5, max(times) * 1.5
    axes.fill_between(
        [low, high],
        [low * (1 - WITHIN), high * (1 - WITHIN)],
        [low * (1 + WITHIN), high * (1 + WITHIN)],
        color="0.88",
        label="within 15 %",
    )
    axes.plot([low, high], [low, high], color="0.4", linewidth=0.8)
    for number, (kind, found) in enumerate(result["summary"].items()):
        if found:
            own = [row for row in rows if row["kind"] == kind]
            label = f"{found['points']} {kind}s, median error {found['median_error']:.0%}"
            x, y = [row["measured"] for row in own], [row["predicted"] for row in own]
            axes.plot(x, y, "o^s"[number % 3], markersize=3.5, alpha=0.6, label=label, color=f"C{number}")
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set(xlabel="measured, seconds", ylabel="predicted, seconds")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=12))
    axes.legend(loc="upper left", fontsize="small")


def streams(result: Result, axes: Any) -> None:
    """Our throughput over that of each library at its best setting, a group of bars for each network and batch."""
    rows = [row for row in result["rows"] if row["ratios"]]
    width = 0.8 / len(LIBRARY_COLOURS)
    for number, (library, colour) in enumerate(LIBRARY_COLOURS.items()):
        places = [i + (number - 1) * width for i, row in enumerate(rows) if library in row["ratios"]]
        heights = [row["ratios"][library] for row in rows if library in row["ratios"]]
        axes.bar(places, [height - 1 for height in heights], width, bottom=1, label=library, color=colour)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    ticks = [t for t in (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 50) if _shows(t, rows)]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks], minor=False)
    axes.minorticks_off()
    axes.set_xticks(range(len(rows)), [f"{row['network']}, {row['batch']}" for row in rows], rotation=45, ha="right")
    axes.set_ylabel("our samples a second / theirs")
    axes.legend(fontsize="small")


def _shows(tick: float, rows: list[Result]) -> bool:
    ratios = [ratio for row in rows for ratio in row["ratios"].values()]
    return bool(min(ratios) / 1.5 <= tick <= max(ratios) * 1.5)


def bubbles(result: Result, axes: Any) -> None:
    """Measured idle fractions over the formula's, by schedule."""
    schedules = list(dict.fromkeys(row["schedule"] for row in result["rows"]))
    high = 1.05 * max(max(row["formula"], row["measured"]) for row in result["rows"])
    band = result["allowed"]
    axes.fill_between([0, high], [-band, high - band], [band, high + band], color="0.88", label=f"within {band}")
    axes.plot([0, high], [0, high], color="0.4", linewidth=0.8)
    for number, schedule in enumerate(schedules):
        own = [row for row in result["rows"] if row["schedule"] == schedule]
        x, y = [row["formula"] for row in own], [row["measured"] for row in own]
        axes.plot(x, y, "os^Dv"[number % 5], markersize=5, alpha=0.75, label=schedule, color=f"C{number}")
    axes.set(xlim=(0, high), ylim=(0, high), aspect="equal")
    axes.set(xlabel="bubble by the formula", ylabel="bubble of real workers that sleep")
    axes.legend(loc="upper left", fontsize="small")


DRAWINGS: dict[str, tuple[Callable[[Result, Any], None], tuple[float, float]]] = {
    "predict": (predicted, (6, 6)),
    "stream": (streams, (12, 5)),
    "bubbles": (bubbles, (6, 6)),
}


def draw(result: Result, file: Path) -> None:
    """The plot of a result, as SVG or whatever the suffix says; a Gantt picture is always SVG."""
    what = result["settings"]["what"]
    if what == "gantt":
        file.write_text(gantt.timeline_of(result).draw(format="svg"), encoding="utf-8")
        return
    if what not in DRAWINGS:
        raise SystemExit(f"plots: no plot of {what}; there are plots of gantt, {', '.join(DRAWINGS)}")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawing, size = DRAWINGS[what]
    figure, axes = pyplot.subplots(figsize=size, layout="constrained")
    drawing(result, axes)
    machine = result["machine"]
    axes.set_title(f"{machine['model']}, {machine['cores_usable']} cores, {result['date'][:10]}", fontsize="small")
    axes.grid(color="0.93")
    axes.set_axisbelow(True)
    figure.savefig(file)
    pyplot.close(figure)


def main(command: list[str] | None = None) -> int:
    """Read, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--svg", type=Path, required=True, help="or any other suffix that matplotlib writes")
    arguments = parser.parse_args(command)
    draw(json.loads(arguments.result.read_text(encoding="utf-8")), arguments.svg)
    return 0


if __name__ == "__main__":
    sys.exit(main())
