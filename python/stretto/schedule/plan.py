"""Plans: which worker runs which stage on which micro-batch, and when. Data, and nothing but."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
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
    """Program steps, split into stages, dealt to workers in an order, for a number of samples.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net, x = st.Sequential(st.Linear(4, 4), st.ReLU()), np.ones((6, 4), "f4")
    >>> with st.plan(net, x, schedule="data", workers=2) as runner:
    ...     plan = runner.plan(6)
    >>> [(batch.first, batch.samples) for batch in plan.micro_batches]
    [(0, 3), (3, 3)]
    >>> st.Plan.from_json(plan.to_json()) == plan
    True
    """

    schedule: str
    samples: int
    stages: tuple[Stage, ...]
    micro_batches: tuple[MicroBatch, ...]
    items: tuple[Item, ...]
    workers: tuple[tuple[int, ...], ...]  # items, in order
    slots: int = 1
    threads: int = 1
    devices: tuple[str, ...] = ()  # of each worker: "cpu", "gpu:0" ...; none: all on the CPU

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_json` to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Plan:
        """Read what :meth:`save` wrote."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If the text describes no plan. Whether the plan is right is for :func:`stretto.schedule.check.check` to say.
        """
        try:
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
                tuple(d["devices"]),
            )
        except KeyError as error:
            raise ValueError(f"plan: the JSON describes no plan: {error} is missing") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"plan: the JSON describes no plan: {error}") from None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the planner decides; :func:`stretto.schedule.arrange.arrange` makes a Plan of it for any batch.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> choice = st.Choice("data", workers=2, micro_batch=4)
    >>> str(choice)
    'data (2 workers, micro-batch 4)'
    >>> x = np.ones((6, 4), "f4")
    >>> with st.plan(st.ReLU(), x, schedule=choice) as runner:
    ...     bool((runner(x) == x).all())
    True
    """

    schedule: str
    workers: int = 1
    threads: int = 1
    micro_batch: int | None = None  # samples; None: as few micro-batches as the schedule needs
    stages: tuple[Stage, ...] = ()  # of pipeline, task and tensor
    placement: tuple[tuple[int, ...], ...] = ()  # of task and tensor: each worker's stages, in order
    replicas: tuple[int, ...] = ()  # of a replicated pipeline: workers of each stage
    devices: tuple[str, ...] = ()  # of each worker; none: all on the CPU
    plan: Plan | None = None  # written by hand: this, and for its number of samples only

    @classmethod
    def of(cls, plan: Plan) -> Choice:
        """The choice of a plan that is there already."""
        return cls(plan.schedule, max(1, len(plan.workers)), plan.threads, devices=plan.devices, plan=plan)

    def __str__(self) -> str:
        parts = [self.schedule]
        if self.plan is not None:
            parts.append("by hand")
        if self.workers > 1:
            parts.append(f"{self.workers} workers")
        if self.threads > 1:
            parts.append(f"{self.threads} threads")
        in_parts = len({stage.steps for stage in self.stages if stage.part[1] > 1})
        if in_parts:
            parts.append(f"{in_parts} step{'s' if in_parts > 1 else ''} in parts")
        if self.devices:
            parts.append(
                ", ".join(self.devices) if len(self.devices) < 3 else f"{self.devices[0]} to {self.devices[-1]}"
            )
        if self.micro_batch is not None:
            parts.append(f"micro-batch {self.micro_batch}")
        return parts[0] + (f" ({', '.join(parts[1:])})" if len(parts) > 1 else "")
