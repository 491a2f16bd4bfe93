"""A decision as a table for people, or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from stretto.schedule.candidate import Candidate
from stretto.schedule.choose import Decision

__all__ = ["explain"]

COLUMNS = ("candidate", "predicted", "measured", "stream", "memory", "idle", "loads", "limited by", "")


def explain(decision: Decision, format: str = "text") -> str:
    """Every candidate with its times, memory, bubble and worker loads, what limits it, and what became of it.

    Times are of one call; ``stream`` is the time of a batch in a long stream, predicted where it has a ``~``. ``idle``
    is the bubble, the share of the workers' time that nobody computes; ``loads`` are each worker's share of the work.
    """
    if format == "json":
        rows = [_row(c) for c in decision.considered]
        return json.dumps(
            {
                "objective": decision.objective,
                "layout": decision.layout,
                "call": decision.call,
                "stream": decision.stream,
                "sentence": decision.sentence,
                "candidates": rows,
            }
        )
    if format != "text":
        raise ValueError(f"explain: unknown format: {format!r}; it must be 'text' or 'json'")
    table = [COLUMNS, *(_cells(c) for c in decision.considered)]
    widths = [max(len(row[k]) for row in table) for k in range(len(COLUMNS) - 1)]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), *(row[k].rjust(widths[k]) for k in range(1, 6))]
        cells += [row[k].ljust(widths[k]) for k in (6, 7)]
        lines.append("  ".join([*cells, row[8]]).rstrip())
    layout = [f"layout: {decision.layout}"] if decision.layout else []
    return "\n".join([f"objective: {decision.objective}", *layout, *lines, decision.sentence])


def _row(c: Candidate) -> dict[str, Any]:
    p = c.predicted
    return {
        "choice": asdict(c.choice),
        "predicted": p.seconds if p else None,
        "seconds": c.median,
        "predicted_period": p.period if p else None,
        "period": c.median_period,
        "bytes": c.bytes,
        "bubble": p.bubble if p else None,
        "loads": list(p.loads) if p else None,
        "limit": p.limit if p else None,
        "verdict": c.verdict,
    }


def _cells(c: Candidate) -> tuple[str, ...]:
    p = c.predicted
    predicted = _seconds(p.seconds) if p else "-"
    measured = "-" if c.median is None else _seconds(c.median)
    stream = _seconds(c.median_period) if c.median_period is not None else f"~{_seconds(p.period)}" if p else "-"
    memory = "-" if c.bytes is None else f"{c.bytes / 1024:.0f} KiB"
    idle = f"{p.bubble:.0%}" if p else "-"
    return (str(c.choice), predicted, measured, stream, memory, idle, _loads(c), p.limit if p else "-", c.verdict)


def _loads(c: Candidate) -> str:
    if not c.predicted or not any(c.predicted.loads):
        return "-"
    total = sum(c.predicted.loads)
    shares = [load / total for load in c.predicted.loads]
    if len(shares) > 4:
        shares = [min(shares), max(shares)]
        return " to ".join(f"{share:.0%}" for share in shares)
    return " ".join(f"{share:.0%}" for share in shares)


def _seconds(value: float) -> str:
    return f"{value * 1e6:.1f} us" if value < 1e-3 else f"{value * 1e3:.3f} ms"
