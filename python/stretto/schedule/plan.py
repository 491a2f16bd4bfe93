"""Plans: which worker runs which stage on which micro-batch, and when. Data, and nothing but."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Choice", "Item", "MicroBatch", "Plan", "Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps of a Program, by index, that one worker runs one after the other.

    With ``part = (k, n)`` the stage makes the k-th of n shares of its steps' output channels (tensor parallelism).
    """

    name: str
    steps: tuple[int, ...]
    part: tuple[int, int] = (0, 1)


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Samples ``first`` to ``first + samples``, whose values live in arena number ``slot``."""

    first: int
    samples: int
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One stage on one micro-batch; it starts when the items ``after`` have finished.

    The phase is ``"F"`` (forward), ``"B"`` (input gradient) or ``"W"`` (weight gradient).
    """

    stage: int
    micro_batch: int
    after: tuple[int, ...] = ()
    phase: str = "F"


@dataclass(frozen=True, slots=True)
class Plan:
    """Program steps, split into stages, dealt to workers in an order, for a number of samples."""

    schedule: str
    samples: int
    stages: tuple[Stage, ...]
    micro_batches: tuple[MicroBatch, ...]
    items: tuple[Item, ...]
    workers: tuple[tuple[int, ...], ...]  # items, in order
    slots: int = 1
    threads: int = 1

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that :meth:`to_json` wrote."""
        d: dict[str, Any] = json.loads(text)
        return cls(
            d["schedule"],
            d["samples"],
            tuple(Stage(s["name"], tuple(s["steps"]), tuple(s["part"])) for s in d["stages"]),
            tuple(MicroBatch(**m) for m in d["micro_batches"]),
            tuple(Item(i["stage"], i["micro_batch"], tuple(i["after"]), i["phase"]) for i in d["items"]),
            tuple(tuple(w) for w in d["workers"]),
            d["slots"],
            d["threads"],
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What the planner decides; :func:`stretto.schedule.arrange.arrange` makes a Plan of it for any batch."""

    schedule: str
    workers: int = 1
    threads: int = 1
    micro_batch: int | None = None  # samples; None: as few micro-batches as the schedule needs
    stages: tuple[Stage, ...] = ()  # of pipeline, task and tensor
    placement: tuple[tuple[int, ...], ...] = ()  # of task and tensor: each worker's stages, in order
    replicas: tuple[int, ...] = ()  # of a replicated pipeline: workers of each stage

    def __str__(self) -> str:
        parts = [self.schedule]
        if self.workers > 1:
            parts.append(f"{self.workers} workers")
        if self.threads > 1:
            parts.append(f"{self.threads} threads")
        if self.micro_batch is not None:
            parts.append(f"micro-batch {self.micro_batch}")
        return parts[0] + (f" ({', '.join(parts[1:])})" if len(parts) > 1 else "")
