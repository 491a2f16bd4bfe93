"""Ratios, fractions of the roofline, summaries and the table of a result."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, TypeAlias

from stretto import info

__all__ = ["fastest_peer", "fraction", "median_fraction", "ratio", "summary", "table"]

Row: TypeAlias = dict[str, Any]  # a case of the JSON
PRODUCTS = ("bmm", "conv", "conv_transpose")  # suites whose unit is GFLOP/s


def fastest_peer(row: Row, key: str = "best") -> tuple[str, float] | None:
    """Name and seconds of the fastest peer that is not us, if any ran."""
    timed = {
        name: entry[key] for name, entry in row["times"].items() if key in entry and not name.startswith("stretto")
    }
    return min(timed.items(), key=lambda item: item[1]) if timed else None


def ratio(row: Row, ours: str = "stretto", key: str = "best") -> float | None:
    """Fastest peer's time over ours: above one we are faster."""
    peer, own = fastest_peer(row, key), row["times"].get(ours, {}).get(key)
    return peer[1] / own if peer and own else None


def fraction(row: Row, ours: str = "stretto") -> float | None:
    """The least time that the roofline allows over ours: one is the machine's limit."""
    own = row["times"].get(ours, {}).get("best")
    return row["bound"]["seconds"] / own if row["bound"] and own else None


def median_fraction(rows: Sequence[Row]) -> float | None:
    """Median over the cases that have one."""
    fractions = [found for row in rows if (found := fraction(row)) is not None]
    return statistics.median(fractions) if fractions else None


def summary(rows: Sequence[Row], ours: str = "stretto") -> dict[str, Any]:
    """For each suite the geometric mean of the ratios, the worst case and the median fraction of the roofline."""
    result: dict[str, Any] = {}
    for group, own in by_group(rows).items():
        entry: dict[str, Any] = {}
        for key in ("best", "median"):
            ratios = {row["name"]: found for row in own if (found := ratio(row, ours, key)) is not None}
            if ratios:
                worst = min(ratios, key=lambda name: ratios[name])
                mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
                entry[key] = {"geometric_mean": mean, "worst": ratios[worst], "worst_case": worst, "cases": len(ratios)}
        result[group] = entry
    return result


def by_group(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Cases of each suite, in order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    return groups


def unit_of(group: str) -> str:
    """In which unit a suite is shown."""
    return "GFLOP/s" if group in PRODUCTS else "us"


def cell(row: Row, name: str) -> str:
    """A library's speed, or why there is none."""
    entry = row["times"].get(name)
    if entry is None:
        return "absent"
    if "best" not in entry:
        return "-" if "unsupported" in entry else "WRONG" if "wrong" in entry else "FAILED"
    if row["group"] in PRODUCTS:
        return f"{row['flops'] / entry['best'] / 1e9:.1f}"
    return f"{entry['best'] * 1e6:.2f}"


def rates_line(peaks: dict[str, Any]) -> str:
    """What was measured of the machine."""
    flops = [
        f"{isa} {dtype} {rate / 1e9:.0f} GFLOP/s" for isa, own in peaks["flops"].items() for dtype, rate in own.items()
    ]
    shown = [
        f"{info.size(size)} {rates['read'] / 1e9:.0f}/{rates['copy'] / 1e9:.0f}"
        for size, rates in zip(peaks["sizes"], peaks["streams"], strict=True)
        if size in _shown_sizes(peaks)
    ]
    return f"peaks: {', '.join(flops)}; GB/s read/copied: {', '.join(shown)}"


def _shown_sizes(peaks: dict[str, Any]) -> set[int]:
    """For each level the measured size next to half of what it holds, and the largest."""
    sizes = peaks["sizes"]
    return {min(sizes, key=lambda size: abs(size - held / 2)) for held in peaks["held"].values()} | {sizes[-1]}


def table(result: dict[str, Any]) -> str:
    """The result as text: the speed of each library, fastest peer / ours, and our fraction of the roofline."""
    precision = result.get("precision", "highest")
    kind = result["dtype"] if precision == "highest" else f"{result['dtype']}, ours of precision {precision}"
    lines = [
        f"{result['machine']['model']}, {result['threads']} thread(s), {kind}, stretto {result['version']}, "
        f"commit {result['commit'] or 'unknown'}",
        rates_line(result["peaks"]),
    ]
    lines += [f"absent: {name}: {about['absent']}" for name, about in result["peers"].items() if "absent" in about]
    names = list(result["peers"])
    for group, rows in by_group(result["cases"]).items():
        lines += ["", _line([f"{group}, {unit_of(group)}", *names, "ratio", "median", "fastest", "roofline", "limit"])]
        lines += [_line(_cells(row, names)) for row in rows]
        for key, entry in result["summary"][group].items():
            lines.append(
                f"{group} {key}: geometric mean of fastest peer / ours {entry['geometric_mean']:.3f}"
                f" over {entry['cases']}, worst {entry['worst']:.2f} ({entry['worst_case']})"
            )
    lines += [
        f"{row['name']}: {name}: {kind}: {entry[kind]}"
        for row in result["cases"]
        for name, entry in row["times"].items()
        for kind in ("wrong", "failed")
        if kind in entry
    ]
    median = median_fraction(result["cases"])
    return "\n".join([*lines, f"median fraction of the roofline: {'none' if median is None else f'{median:.2f}'}"])


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    peer, share = fastest_peer(row), fraction(row)
    ratios = [f"{found:.2f}" if (found := ratio(row, key=key)) else "" for key in ("best", "median")]
    return [
        row["name"],
        *(cell(row, name) for name in names),
        *ratios,
        peer[0] if peer else "",
        "" if share is None else f"{share:.2f}",
        row["bound"]["by"] if row["bound"] else "",
    ]


def _line(cells: Sequence[str]) -> str:
    return "".join(f"{text:<18}" if i == 0 else f"{text[:13]:>14}" for i, text in enumerate(cells))
