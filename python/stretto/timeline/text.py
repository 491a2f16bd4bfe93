"""Timelines in plain ASCII: a character is a slice of time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from stretto.timeline.chart import PHASES, Box, Chart, Lane, marks

__all__ = ["text_of"]

FEWEST_CELLS = 8
INDENT = "  "
BUSY = 7  # columns of "  100 %"
MARK = 8  # columns between two marks of the axis, at least


def text_of(chart: Chart, width: int) -> str:
    """One line a worker: each box a label and dashes, dots where it waits; below it the axis, and what labels mean."""
    gutter = max((len(lane.label) for group in chart.groups for lane in group.lanes), default=0) + 2 * len(INDENT)
    cells = width - gutter - BUSY
    if cells < FEWEST_CELLS:
        raise ValueError(
            f"draw: width is out of range: {width}; it must be at least {gutter + BUSY + FEWEST_CELLS} columns"
        )
    lines = []
    for group in chart.groups:
        lines.append(group.heading)
        for lane in group.lanes:
            cover = "".join(_cells(lane, chart.seconds, cells))
            lines.append(f"{INDENT}{lane.label}".ljust(gutter) + cover + f"  {100 * lane.busy:3.0f} %")
    lines += [" " * gutter + line for line in _axis(chart.seconds, cells)]
    lines += [INDENT + line for line in _legend(chart)]
    return "\n".join(lines)


def _cells(lane: Lane, seconds: float, cells: int) -> Iterator[str]:
    slice_ = seconds / cells
    for box, run in groupby(_owners(lane, slice_, cells)):
        width = len(list(run))
        yield "." * width if box is None else _label(box, width)


def _owners(lane: Lane, slice_: float, cells: int) -> list[Box | None]:
    """For each cell the box that fills most of it; None where less than half of it is filled."""
    covers: list[dict[int, float]] = [{} for _ in range(cells)]
    for index, box in enumerate(lane.boxes):
        for cell in range(min(int(box.begin / slice_), cells - 1), min(int(box.end / slice_) + 1, cells)):
            inside = min(box.end, (cell + 1) * slice_) - max(box.begin, cell * slice_)
            if inside > 0:
                covers[cell][index] = inside
    filled = slice_ * 0.5 * (1 - 1e-9)
    return [
        lane.boxes[max(cover, key=lambda i: (cover[i], -i))] if sum(cover.values()) >= filled else None
        for cover in covers
    ]


def _label(box: Box, width: int) -> str:
    return next((label for label in box.labels if len(label) <= width), "#").ljust(width, "-")


def _axis(seconds: float, cells: int) -> Iterator[str]:
    rule, below = ["-"] * (cells + 1), [" "] * (cells + 2 * MARK)
    for at, text in marks(seconds, cells / MARK):
        column = round(at / seconds * cells) if seconds else 0
        rule[column] = "|"
        below[column : column + len(text)] = text
    yield "".join(rule)
    yield "".join(below).rstrip()


def _legend(chart: Chart) -> Iterator[str]:
    for stage, steps in chart.stages:
        yield f"S{stage}: {steps}"
    meanings = [f"{phase}: {PHASES[phase]}" for phase in chart.phases]
    if chart.numbered:
        meanings.append("numbers: micro-batches" if chart.phases else "m0, m1, ...: micro-batches")
    if meanings:
        yield "; ".join(meanings)
