"""NumPy, PyTorch and ours calling in turns in one process: how much a library's threads are in another's way.

python -m bench.coexist --peers-python PATH --out coexist.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import stretto
from stretto import _core
from stretto.bench.peer import THREAD_VARIABLES

from bench.schedules.result import Result, aligned, described, duration, heading

CALLS = Path(__file__).with_name("coexist_calls.py")
PACKAGE = Path(stretto.__file__).resolve().parent
LIBRARIES = ("stretto", "numpy", "torch")


def measure(arguments: argparse.Namespace) -> Result:
    """Each library in a process of its own, then all in one, in a row and in turns."""
    present = [name for name in LIBRARIES if _is_there(name, arguments.peers_python)]
    rows = []
    for threads in sorted({1, arguments.threads}):
        own = {name: _seconds([name], threads, arguments)["row"][name] for name in present}
        together = _seconds(present, threads, arguments)
        for name in present:
            kinds = {"alone": own[name], "row": together["row"][name], "turns": together["turns"][name]}
            rows.append({"library": name, "threads": threads} | {kind: _summary(s) for kind, s in kinds.items()})
    return {"absent": [name for name in LIBRARIES if name not in present], "rows": rows}


def _is_there(library: str, python: str) -> bool:
    if library == "stretto":
        return True
    return subprocess.run([python, "-c", f"import {library}"], capture_output=True).returncode == 0


def _seconds(libraries: list[str], threads: int, arguments: argparse.Namespace) -> Any:
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    command = [arguments.peers_python, "-P", str(CALLS), str(PACKAGE), ",".join(libraries), str(threads)]
    ran = subprocess.run([*command, str(arguments.seconds)], capture_output=True, text=True, env=environment)
    if ran.returncode:
        raise SystemExit(f"coexist: {', '.join(libraries)} failed in one process: {ran.stderr[-500:].strip()}")
    return json.loads(ran.stdout)


def _summary(seconds: list[float]) -> dict[str, float]:
    return {
        "median": float(np.median(seconds)),
        "percentile_99": float(np.percentile(seconds, 99)),
        "calls": len(seconds),
    }


def table(result: Result) -> str:
    """A line for each library and number of threads."""
    lines = [("library", "threads", "alone", "in a row", "in turns", "turns / alone", "99 %: alone", "in turns")]
    for row in result["rows"]:
        medians = [duration(row[kind]["median"]) for kind in ("alone", "row", "turns")]
        tails = [duration(row[kind]["percentile_99"]) for kind in ("alone", "turns")]
        ratio = f"{row['turns']['median'] / row['alone']['median']:.2f}"
        lines.append((row["library"], str(row["threads"]), *medians, ratio, *tails))
    absent = [f"absent: {name}" for name in result["absent"]]
    return "\n".join([heading(result), *aligned(lines), *absent])


def main(command: list[str] | None = None) -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=_core.resolve_threads(0), help="beside one")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each library's calls")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has PyTorch")
    parser.add_argument("--out", type=Path, help="write the result here as JSON")
    arguments = parser.parse_args(command)
    result = described(arguments, measure(arguments))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
