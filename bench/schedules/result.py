"""What every measurement of schedules says of itself, and how tables are laid out."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from stretto.bench import machine

from bench.commit import commit

Result: TypeAlias = dict[str, Any]

NOT_KEPT = {"out", "json", "peers_python"}  # places of one machine


def described(arguments: argparse.Namespace, measured: Result) -> Result:
    """What was measured, with when, where and how."""
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
    return {
        "format": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine.describe(),
        "settings": {key: value for key, value in settings.items() if key not in NOT_KEPT},
        **measured,
    }


def heading(result: Result) -> str:
    """One line: machine, and commit."""
    where = result["machine"]
    return f"{where['model']}, {where['cores_usable']} core(s), load {where['load']:.1f}, commit {result['commit']}"


def aligned(rows: Iterable[Sequence[str]], words: int = 1) -> list[str]:
    """Rows of cells as lines: the first ``words`` columns to the left, numbers to the right."""
    columns = list(zip(*rows, strict=True))
    padded = []
    for number, cells in enumerate(columns):
        width = max(map(len, cells))
        padded.append([cell.ljust(width) if number < words else cell.rjust(width) for cell in cells])
    return ["  ".join(row).rstrip() for row in zip(*padded, strict=True)]


def duration(seconds: float) -> str:
    """Seconds in the unit that fits.

    Examples
    --------
    >>> duration(0.00012), duration(-3e-8), duration(2)
    ('120 us', '-30 ns', '2 s')
    """
    for unit, size in (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)):
        if abs(seconds) < 1000 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
