"""What was measured: seconds of steps, by what they compute, micro-batch and threads."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from stretto.program import Program
from stretto.schedule.machine import Held

__all__ = ["Point", "Table", "signature"]


@dataclass(frozen=True, slots=True)
class Point:
    """Seconds of a step on a micro-batch, and where its data lay meanwhile."""

    samples: int
    seconds: float
    held: Held


class Table:
    """Points by (signature, threads), in order of their micro-batch.

    What is measured again at the same micro-batch and place replaces what was known.
    """

    def __init__(self) -> None:
        self._points: dict[tuple[str, int], list[Point]] = {}

    def points(self, signature: str, threads: int) -> list[Point]:
        """What was measured of a step on so many threads."""
        return self._points.get((signature, threads), [])

    def has(self, signature: str, threads: int, samples: int, held: Held) -> bool:
        """Whether just this was measured."""
        return any(p.samples == samples and p.held == held for p in self.points(signature, threads))

    def add(self, signature: str, threads: int, point: Point) -> None:
        """Note a measurement; it replaces an earlier one of the same."""
        points = self._points.setdefault((signature, threads), [])
        points[:] = [p for p in points if (p.samples, p.held) != (point.samples, point.held)]
        points.append(point)
        points.sort(key=lambda p: p.samples)

    def __len__(self) -> int:
        return sum(map(len, self._points.values()))

    def as_data(self) -> list[Any]:
        """Rows for JSON."""
        return [
            [signature, threads, p.samples, p.seconds, *astuple(p.held)]
            for (signature, threads), points in self._points.items()
            for p in points
        ]

    @classmethod
    def from_data(cls, rows: list[Any]) -> Table:
        """The table that :meth:`as_data` described."""
        table = cls()
        for signature_, threads, samples, seconds, *held in rows:
            table.add(str(signature_), int(threads), Point(int(samples), float(seconds), Held(*held)))
        return table


def signature(program: Program, index: int) -> str:
    """What a step computes, whatever its place: op, options, and the dtype, shape and origin of each input."""
    step = program.steps[index]
    inputs = []
    for i in step.inputs:
        if i is None:
            inputs.append("-")
            continue
        value = program.values[i]
        constant = "=" if value.origin in ("parameter", "constant") else ""
        inputs.append(f"{constant}{value.dtype}({','.join(map(str, value.shape))})")
    options = ",".join(f"{key}={value!r}" for key, value in step.attributes)
    return f"{step.op}({';'.join(inputs)}){options}"
