"""Ratios, summaries and the table of a result."""

from __future__ import annotations

import math
from typing import Any

Case = dict[str, Any]


def fastest_peer(case: Case, key: str = "best") -> tuple[str, float] | None:
    """Name and seconds of the fastest peer that is not us, if any ran."""
    timed = {
        name: entry[key] for name, entry in case["times"].items() if key in entry and not name.startswith("stretto")
    }
    return min(timed.items(), key=lambda item: item[1]) if timed else None


def ratio(case: Case, ours: str = "stretto", key: str = "best") -> float | None:
    """Fastest peer's time over ours: above one we are faster."""
    peer, own = fastest_peer(case, key), case["times"].get(ours, {}).get(key)
    return peer[1] / own if peer and own else None


def summary(cases: list[Case], ours: str = "stretto") -> dict[str, Any]:
    """For each group the geometric mean of the ratios and the worst case."""
    result: dict[str, Any] = {}
    for group in dict.fromkeys(case["group"] for case in cases):
        entry: dict[str, Any] = {}
        for key in ("best", "median"):
            ratios = {c["name"]: r for c in cases if c["group"] == group and (r := ratio(c, ours, key)) is not None}
            if ratios:
                worst = min(ratios, key=lambda name: ratios[name])
                mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
                entry[key] = {"geometric_mean": mean, "worst": ratios[worst], "worst_case": worst, "cases": len(ratios)}
        result[group] = entry
    return result


def _cell(case: Case, name: str) -> str:
    entry = case["times"].get(name, {})
    if "best" not in entry:
        return "-" if "unsupported" in entry else "WRONG" if "wrong" in entry else "FAILED" if entry else ""
    if case["group"] in ("bmm", "conv"):
        return f"{case['flops'] / entry['best'] / 1e9:.1f}"
    return f"{entry['best'] * 1e6:.2f}"


def table(result: dict[str, Any]) -> str:
    """The result as text: GFLOP/s (microseconds for small work) of each, and ratio fastest peer / ours."""
    lines = [
        f"{result['machine']['model']}, {result['threads']} thread(s), {result['dtype']}, commit {result['commit']}",
        "peak: " + (", ".join(f"{k} {v:.0f}" for k, v in result["peak"].items()) if result["peak"] else "not measured"),
    ]
    for name, peer in result["peers"].items():
        if "absent" in peer:
            lines.append(f"absent: {name}: {peer['absent']}")
    names = [name for name, peer in result["peers"].items() if "absent" not in peer]
    for group in dict.fromkeys(case["group"] for case in result["cases"]):
        cases = [case for case in result["cases"] if case["group"] == group]
        unit = "GFLOP/s" if group in ("bmm", "conv") else "us"
        lines += ["", _row([f"{group}, {unit}", *names, "ratio", "median", "fastest"])]
        for case in cases:
            peer = fastest_peer(case)
            ratios = [f"{r:.2f}" if (r := ratio(case, key=key)) else "" for key in ("best", "median")]
            lines.append(_row([case["name"], *[_cell(case, name) for name in names], *ratios, peer[0] if peer else ""]))
        for key, entry in result["summary"].get(group, {}).items():
            lines.append(
                f"{group} {key}: geometric mean of fastest peer / ours {entry['geometric_mean']:.3f}"
                f" over {entry['cases']}, worst {entry['worst']:.2f} ({entry['worst_case']})"
            )
    problems = [
        f"{case['name']}: {name}: {kind}: {entry[kind]}"
        for case in result["cases"]
        for name, entry in case["times"].items()
        for kind in ("wrong", "failed")
        if kind in entry
    ]
    return "\n".join([*lines, *problems])


def _row(cells: list[str]) -> str:
    return "".join(f"{cell:<18}" if i == 0 else f"{cell[:13]:>14}" for i, cell in enumerate(cells))
