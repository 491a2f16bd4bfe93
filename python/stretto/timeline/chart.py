"""What a drawing of timelines shows: lanes of boxes on one axis of time. The formats differ in how they put it down."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stretto.timeline.spans import Span, Timeline

__all__ = ["PHASES", "Box", "Chart", "Group", "Lane", "as_text", "key_of", "marks", "with_predicted"]

PHASES = {"F": "forward", "B": "input gradient", "W": "weight gradient"}
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


@dataclass(frozen=True, slots=True)
class Box:
    """What a worker ran as one: an item of a plan, or a single step where there is just one item."""

    labels: tuple[str, ...]  # the longest that fits is drawn
    colour: int
    spans: tuple[Span, ...]

    @property
    def begin(self) -> float:
        return self.spans[0].begin

    @property
    def end(self) -> float:
        return max(s.end for s in self.spans)


@dataclass(frozen=True, slots=True)
class Lane:
    """One worker; ``busy`` is the fraction of its timeline that it computed."""

    label: str
    busy: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One timeline."""

    heading: str
    lanes: tuple[Lane, ...]
    predicted: dict[tuple[int, int, int, str], float]  # seconds, by key_of


@dataclass(frozen=True, slots=True)
class Chart:
    """Several timelines on an axis of time from 0 to ``seconds``."""

    groups: tuple[Group, ...]
    seconds: float
    stages: tuple[tuple[int, str], ...]  # colour, description; empty if there is one stage
    numbered: bool  # boxes carry the number of their micro-batch
    phases: tuple[str, ...]  # those that occur, if there is more than forward

    @classmethod
    def of(cls, given: Sequence[Timeline]) -> Chart:
        """The chart of timelines, with those that were predicted of them."""
        timelines = with_predicted(given)
        spans = [s for t in timelines for s in t.spans]
        stages = sorted({s.stage for s in spans})
        phases = tuple(phase for phase in PHASES if any(s.phase == phase for s in spans))
        naming = Naming(
            stages=len(stages) > 1,
            numbers=len({s.micro_batch for s in spans}) > 1,
            phases=phases not in ((), ("F",)),
            mixed=any(len(_stages_of(t, worker)) > 1 for t in timelines for worker in _workers(t)),
        )
        return cls(
            tuple(Group(_heading(t), tuple(_lanes(t, naming)), _predictions(t)) for t in timelines),
            max((s.end for s in spans), default=0.0),
            tuple((stage, _steps_of(spans, stage)) for stage in stages) if naming.stages else (),
            naming.numbers,
            phases if naming.phases else (),
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """What a box must be called by so that no two in a lane are called the same."""

    stages: bool
    numbers: bool
    phases: bool
    mixed: bool  # a worker has several stages

    @property
    def by_step(self) -> bool:
        """There is just one item: the boxes are its steps."""
        return not (self.stages or self.numbers or self.phases)

    def labels(self, span: Span) -> tuple[str, ...]:
        if self.by_step:
            return (span.name,)
        if not self.numbers:
            phase = span.phase if self.phases else ""
            return (f"S{span.stage}{phase}", f"{span.stage}{phase}", phase or str(span.stage))
        number = str(span.micro_batch)
        label = (span.phase if self.phases else "m") + number
        return (f"S{span.stage}{label}", label, number) if self.mixed else (label, number)

    def item(self, span: Span) -> tuple[int, int, str]:
        """Spans in a row that agree in this are one box."""
        return span.step if self.by_step else span.stage, span.micro_batch, span.phase


def with_predicted(timelines: Iterable[Timeline]) -> list[Timeline]:
    """The timelines, each once, those that were predicted before those that they were predicted of."""
    found: list[Timeline] = []
    for timeline in timelines:
        for one in (timeline.predicted, timeline):
            if one is not None and all(one is not other for other in found):
                found.append(one)
    return found


def key_of(span: Span) -> tuple[int, int, int, str]:
    """What says that two spans, predicted and measured, are of the same work."""
    return span.stage, span.step, span.micro_batch, span.phase


def marks(seconds: float, most: float) -> list[tuple[float, str]]:
    """An axis's marks, 1, 2 or 5 times a power of ten apart, and their texts, the last one with its unit."""
    if seconds <= 0:
        return [(0.0, "0 s")]
    scale, unit = _unit(seconds)
    least = seconds / scale / max(1.0, most)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * m for m in (1, 2, 5, 10, 20) if power * m >= least * (1 - 1e-9))
    count = math.floor(seconds / scale / step * (1 + 1e-9)) + 1
    found = [(i * step * scale, f"{round(i * step, 9):g}") for i in range(count)]
    return [*found[:-1], (found[-1][0], f"{found[-1][1]} {unit}")]


def as_text(seconds: float) -> str:
    """Three digits and a unit: ``1.25 ms``."""
    if seconds <= 0:
        return "0 s"
    rounded = float(f"{seconds:.3g}")
    scale, unit = _unit(rounded)
    return f"{round(rounded / scale, 9):g} {unit}"


def _unit(seconds: float) -> tuple[float, str]:
    return next((unit for unit in UNITS if seconds >= unit[0]), UNITS[-1])


def _workers(timeline: Timeline) -> list[int]:
    return sorted({s.worker for s in timeline.spans} | set(range(len(timeline.labels))))


def _stages_of(timeline: Timeline, worker: int) -> list[int]:
    return sorted({s.stage for s in timeline.spans if s.worker == worker})


def _heading(timeline: Timeline) -> str:
    return f"{timeline.kind}  {as_text(timeline.duration)}"


def _lanes(timeline: Timeline, naming: Naming) -> Iterator[Lane]:
    busy, duration = timeline.busy(), timeline.duration
    for worker in _workers(timeline):
        label = timeline.label(worker)
        stages = _stages_of(timeline, worker)
        if naming.stages and naming.numbers and not naming.mixed and stages:
            label += f"  S{stages[0]}"
        spans = sorted((s for s in timeline.spans if s.worker == worker), key=lambda s: (s.begin, s.end))
        boxes = []
        for item, run in groupby(spans, naming.item):
            together = tuple(run)
            boxes.append(Box(naming.labels(together[0]), item[0], together))
        yield Lane(label, busy.get(worker, 0.0) / duration if duration else 0.0, tuple(boxes))


def _predictions(timeline: Timeline) -> dict[tuple[int, int, int, str], float]:
    return {key_of(s): s.duration for s in timeline.predicted.spans} if timeline.predicted else {}


def _steps_of(spans: Iterable[Span], stage: int) -> str:
    """A stage's steps in a few words: all names if there are three at most, else the first and the last."""
    names = dict(sorted((s.step, s.name) for s in spans if s.stage == stage))
    different = [name for name, _ in groupby(names.values())]
    return ", ".join(different) if len(different) <= 3 else f"{different[0]}..{different[-1]}"
