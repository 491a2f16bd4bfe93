"""``python -m stretto bench``: our kernels beside other libraries and beside the machine's limit."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stretto.bench import report, truth
from stretto.bench.cases import GROUPS, Case, published
from stretto.bench.peers import OURS, PEERS
from stretto.bench.run import Settings, measure
from stretto.planning import PRECISIONS
from stretto.progress import Reporter, bar

ALIASES = {"matmul": "bmm"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"of {', '.join(GROUPS)} (default: bmm conv); matmul is bmm"
    )
    parser.add_argument(
        "--against", default=",".join(PEERS), help=f"of {','.join(PEERS)} (default: all); none for ours alone"
    )
    parser.add_argument("--cases", help="names of cases, separated by commas (default: all)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="float32", choices=sorted(truth.EPSILON))
    parser.add_argument("--precision", default="highest", choices=PRECISIONS, help="of our products and convolutions")
    parser.add_argument("--seconds", type=float, default=0.3, help="for each case and library")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each library in a case")
    parser.add_argument("--plain", action="store_true", help="time our call without prepare and out= too")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the libraries")
    parser.add_argument("--out", type=Path, help="write the result here as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")


def run(options: argparse.Namespace, commit: str | None = None) -> int:
    """Measure, print, write; 1 when a result of ours is wrong or failed, 2 for wrong usage."""
    try:
        cases = chosen_cases(options.suites, options.cases)
        settings = settings_of(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with contextlib.closing(Reporter(bar(len(cases), "cases"), len(cases))) as progress:
        result = measure(cases, settings, commit, lambda: progress.delivered(0))
    text = json.dumps(result, indent=1)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text if options.json else report.table(result))
    return 0 if _is_sound(result) else 1


def chosen_cases(suites: Sequence[str], names: str | None) -> list[Case]:
    """Cases of the suites, cut down to the names asked for, in the order of the suites.

    Raises
    ------
    ValueError
        For a suite or a case that does not exist.

    Examples
    --------
    >>> [case.name for case in chosen_cases(["overhead"], "call16,call4")]
    ['call4', 'call16']
    """
    wanted = [ALIASES.get(suite, suite) for suite in suites or ("bmm", "conv")]
    for suite in wanted:
        if suite not in GROUPS:
            raise ValueError(f"bench: unknown suite: {suite}; the suites are {', '.join((*GROUPS, *ALIASES))}")
    cases = [case for suite in dict.fromkeys(wanted) for case in published(suite)]
    if names is None:
        return cases
    known = [case.name for case in cases]
    for name in names.split(","):
        if name not in known:
            raise ValueError(f"bench: unknown case: {name}; the cases of {', '.join(wanted)} are {', '.join(known)}")
    return [case for case in cases if case.name in names.split(",")]


def settings_of(options: argparse.Namespace) -> Settings:
    """Settings of the command line.

    Raises
    ------
    ValueError
        For a peer that does not exist, or a number out of range.
    """
    against = [name for name in options.against.split(",") if name and name != "none"]
    for name in against:
        if name not in PEERS:
            raise ValueError(f"bench: unknown peer: {name}; the peers are {', '.join(PEERS)}, none")
    for name in ("threads", "rounds", "seconds"):
        value = getattr(options, name)
        if not value > 0:
            raise ValueError(f"bench: {name} is out of range: {value}; it must be positive")
    return Settings(
        against=tuple(dict.fromkeys(against)),
        threads=options.threads,
        dtype=options.dtype,
        precision=options.precision,
        seconds=options.seconds,
        rounds=options.rounds,
        plain=options.plain,
        peers_python=options.peers_python,
    )


def _is_sound(result: dict[str, Any]) -> bool:
    """Whether ours ran and was right wherever it has the op."""
    ours = [name for name in result["peers"] if name in OURS]
    times = [row["times"][name] for row in result["cases"] for name in ours if name in row["times"]]
    return all("absent" not in result["peers"][name] for name in ours) and not any(
        {"wrong", "failed"} & entry.keys() for entry in times
    )
