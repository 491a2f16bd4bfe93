"""Compare two results of run.py: python bench/compare.py old.json new.json; exits 1 when a case became slower.

A case is slower when both our time and its ratio to the fastest peer, which cancels what the machine did in
between, are worse by more than the noise of the two runs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from stretto.bench.report import fastest_peer

LEAST_NOISE = 0.05  # runs of the same code differ by so much on a quiet machine


def noise(*entries: dict[str, Any]) -> float:
    """Relative noise of a quotient of times: how the turns' bests differ from the best, added in squares."""
    return max(LEAST_NOISE, 3 * math.sqrt(sum(entry["spread"] ** 2 for entry in entries)))


def compare(old: dict[str, Any], new: dict[str, Any], ours: str) -> tuple[list[str], int]:
    """Lines of the table, and the number of cases that became slower."""
    before = {(case["group"], case["name"]): case for case in old["cases"]}
    lines = [f"{'case':<28}{'old us':>12}{'new us':>12}{'speed':>8}{'noise':>8}{'to peer':>9}"]
    speeds, slower = [], 0
    for case in new["cases"]:
        key = (case["group"], case["name"])
        previous = before.pop(key, None)
        now = case["times"].get(ours, {})
        then = previous["times"].get(ours, {}) if previous else {}
        name = "/".join(key)
        if "best" not in now:
            slower += "best" in then
            lines.append(f"{name:<28}" + (" no longer measured: slower" if "best" in then else " not measured"))
            continue
        if "best" not in then:
            lines.append(f"{name:<28}{'':>12}{now['best'] * 1e6:>12.2f}  new")
            continue
        speed = then["best"] / now["best"]
        margin = noise(then, now)
        worse = speed < 1 / (1 + margin)
        relative = _relative_speed(previous, case, speed)
        if relative is not None:
            worse = worse and relative < 1 / (1 + margin)
        slower += worse
        speeds.append(speed)
        lines.append(
            f"{name:<28}{then['best'] * 1e6:>12.2f}{now['best'] * 1e6:>12.2f}{speed:>8.2f}{margin:>8.2f}"
            + (f"{relative:>9.2f}" if relative is not None else f"{'':>9}")
            + ("  slower" if worse else "  faster" if speed > 1 + margin else "")
        )
    lines += [f"{'/'.join(key):<28} not in the new result" for key in before]
    if speeds:
        mean = math.exp(sum(map(math.log, speeds)) / len(speeds))
        lines.append(f"geometric mean of old / new time: {mean:.3f} over {len(speeds)} cases; {slower} slower")
    return lines, slower


def _relative_speed(old: dict[str, Any] | None, new: dict[str, Any], speed: float) -> float | None:
    """Speed-up over that of the peer that was fastest before, where both runs timed it."""
    peer = fastest_peer(old) if old else None
    now = new["times"].get(peer[0], {}) if peer else {}
    return speed / (peer[1] / now["best"]) if peer and "best" in now else None


def main(command: list[str] | None = None) -> int:
    """Print the table; 1 when a case became slower."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--ours", default="stretto", help="or stretto-plain, or any peer")
    arguments = parser.parse_args(command)
    old, new = (json.loads(file.read_text(encoding="utf-8")) for file in (arguments.old, arguments.new))
    for key in ("threads", "dtype"):
        if old[key] != new[key]:
            raise SystemExit(f"compare: {key} differ: {old[key]} and {new[key]}")
    if old["machine"]["model"] != new["machine"]["model"]:
        raise SystemExit(
            f"compare: the machines differ: {old['machine']['model']} and {new['machine']['model']}; "
            "only results of one machine can be compared"
        )
    lines, slower = compare(old, new, arguments.ours)
    print("\n".join(lines))
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
