"""docs/performance.md: measure, and write the page from what was measured.

python -m bench.performance measure --peers-python PATH   # bench/results/kernels, then the page: about ten minutes
python -m bench.performance                               # the page and its plots from the JSON that is there
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from stretto import _core
from stretto.bench.cases import published
from stretto.bench.peers import PEERS
from stretto.bench.run import Settings, measure
from stretto.progress import Reporter, bar

from bench import coexist
from bench.commit import commit
from bench.performance_page import figures_of, page
from bench.plots import draw

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "kernels"
COEXISTENCE = ROOT / "bench" / "results" / "coexist.json"
PAGE = ROOT / "docs" / "performance.md"

Result: TypeAlias = dict[str, Any]


def runs(threads: Sequence[int]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """(dtype, threads, suites) of what the page shows."""
    yield "float32", 1, ("bmm", "conv", "conv_transpose", "elementwise", "overhead")
    for count in threads:
        if count > 1:
            yield "float32", count, ("bmm", "conv")
    yield "float64", 1, ("bmm",)
    yield "bfloat16", 1, ("bmm", "conv")


def file_of(dtype: str, threads: int) -> Path:
    """Where a run is kept."""
    return RESULTS / f"{dtype}_{threads}.json"


def measure_all(options: argparse.Namespace) -> None:
    """Every run into its file."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    state = commit()
    for dtype, threads, suites in runs(options.threads):
        cases = [case for suite in suites for case in published(suite)]
        settings = Settings(
            against=PEERS,
            threads=threads,
            dtype=dtype,
            seconds=options.seconds,
            rounds=options.rounds,
            plain=True,
            peers_python=options.peers_python,
        )
        with contextlib.closing(Reporter(bar(len(cases), f"cases of {dtype}, {threads}"), len(cases))) as progress:
            result = measure(cases, settings, state, lambda: progress.delivered(0))
        file_of(dtype, threads).write_text(json.dumps(result) + "\n", encoding="utf-8")
    several = str(max(options.threads, default=1))
    coexist.main(["--threads", several, "--peers-python", options.peers_python, "--out", str(COEXISTENCE)])


def committed() -> list[Result]:
    """The results that are there, in the order of the page."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RESULTS.glob("*.json"))]
    order = ("float32", "float64", "bfloat16", "float16")
    return sorted(found, key=lambda result: (order.index(result["dtype"]), result["threads"]))


def coexistence() -> Result:
    """What libraries cost each other in one process."""
    found: Result = json.loads(COEXISTENCE.read_text(encoding="utf-8"))
    return found


def write_page(results: Sequence[Result]) -> None:
    """The page and its plots."""
    PAGE.write_text(page(results, coexistence()), encoding="utf-8")
    for name, (what, own) in figures_of(results).items():
        draw(what, own, PAGE.parent / "figures" / name)


def parse(command: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("what", nargs="?", choices=["page", "measure"], default="page")
    parser.add_argument("--seconds", type=float, default=0.4, help="for each case and library")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="*", default=[_core.resolve_threads(0)], help="beside one")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the libraries")
    return parser.parse_args(command)


def main(command: list[str] | None = None) -> int:
    """Measure if asked to, then write the page."""
    options = parse(command)
    if options.what == "measure":
        measure_all(options)
    results = committed()
    if not results:
        print(f"performance: there are no results in {RESULTS.relative_to(ROOT)}; measure first", file=sys.stderr)
        return 2
    write_page(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
