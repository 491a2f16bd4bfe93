"""One way to run a Program, as it is considered; and what the user has decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stretto.program import Program
from stretto.schedule.plan import Choice, Stage
from stretto.schedule.predict import Prediction

__all__ = ["Candidate", "Wanted", "cut_or_not", "powers", "stage_of", "whole"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user has decided; None leaves it to us."""

    workers: int
    schedule: str | None = None
    micro_batch: int | None = None
    threads: int | None = None

    @property
    def inside(self) -> int:
        """Threads inside each op of a schedule that is not about them."""
        return self.threads or 1

    def counts(self) -> list[int]:
        """Numbers of workers worth a look: powers of two, and all there are; when the schedule is given, all."""
        if self.schedule is not None:
            return [self.workers]
        powers = [1 << i for i in range(1, self.workers.bit_length())]
        return sorted({n for n in (*powers, self.workers) if 2 <= n <= self.workers})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice that was considered, with what was predicted and measured of it and what became of it."""

    choice: Choice
    predicted: Prediction | None = None
    seconds: tuple[float, ...] = ()  # of each timed call
    periods: tuple[float, ...] = ()  # of a batch in each timed stream
    bytes: int | None = None  # of its arenas
    verdict: str = ""

    @property
    def median(self) -> float | None:
        """Of the timed calls."""
        return float(np.median(self.seconds)) if self.seconds else None

    @property
    def median_period(self) -> float | None:
        """Of the timed streams."""
        return float(np.median(self.periods)) if self.periods else None


def cut_or_not(
    program: Program, choices: Sequence[Choice], otherwise: str, schedule: str, wanted: Wanted
) -> Iterator[Candidate]:
    """The choices, ruled out where the batch may not be cut; one that says why when there are none."""
    uncut = program.why_not_cut()
    if uncut or not choices:
        first = choices[0] if choices else Choice(schedule, stages=(whole(program),))
        yield Candidate(first, verdict=uncut or ("" if wanted.schedule and wanted.workers == 1 else otherwise))
        return
    for choice in choices:
        yield Candidate(choice)


def powers(least: int, most: int) -> list[int]:
    """Powers of two from one number to another."""
    return [1 << i for i in range(max(0, most).bit_length()) if least <= 1 << i <= most]


def stage_of(program: Program, steps: Sequence[int]) -> Stage:
    """Steps as a stage, called by the first and the last of them."""
    first, last = program.steps[steps[0]].op, program.steps[steps[-1]].op
    return Stage(first if len(steps) == 1 else f"{first}..{last}", tuple(steps))


def whole(program: Program) -> Stage:
    """All steps as one stage."""
    return Stage("all", tuple(range(len(program.steps))))
