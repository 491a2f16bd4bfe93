"""What ran when: spans of (worker, step, micro-batch, begin, end), predicted or measured."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Span", "Timeline"]


@dataclass(frozen=True, slots=True)
class Span:
    """One step on one micro-batch; times in seconds from the run's begin."""

    worker: int
    stage: int
    step: int
    name: str
    micro_batch: int
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The spans of one run, in order of their begin.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> with st.plan(st.ReLU(), np.ones((2, 3), "f4"), schedule="serial") as runner:
    ...     timeline = runner.timeline(np.ones((2, 3), "f4"))
    >>> timeline.workers, [span.name for span in timeline.spans]
    (1, ['relu'])
    """

    spans: tuple[Span, ...]
    kind: str = "measured"

    @property
    def duration(self) -> float:
        """Seconds from the first begin to the last end."""
        return max((s.end for s in self.spans), default=0.0) - min((s.begin for s in self.spans), default=0.0)

    @property
    def workers(self) -> int:
        """How many workers ran something."""
        return len({s.worker for s in self.spans})

    def busy(self) -> dict[int, float]:
        """Seconds that each worker computed."""
        busy: dict[int, float] = {}
        for s in self.spans:
            busy[s.worker] = busy.get(s.worker, 0.0) + s.end - s.begin
        return busy

    def chrome_trace(self, process: int = 0) -> list[dict[str, Any]]:
        """The spans as Chrome trace events, one lane a worker, with the hand-offs of each micro-batch as arrows."""
        events: list[dict[str, Any]] = [
            {"ph": "M", "pid": process, "name": "process_name", "args": {"name": self.kind}}
        ]
        events += [
            {"ph": "M", "pid": process, "tid": w, "name": "thread_name", "args": {"name": f"worker {w}"}}
            for w in sorted({s.worker for s in self.spans})
        ]
        last: dict[int, Span] = {}
        for s in self.spans:
            events.append(
                {
                    "ph": "X",
                    "pid": process,
                    "tid": s.worker,
                    "name": s.name,
                    "ts": s.begin * 1e6,
                    "dur": (s.end - s.begin) * 1e6,
                    "args": {"step": s.step, "stage": s.stage, "micro_batch": s.micro_batch},
                }
            )
            before = last.get(s.micro_batch)
            if before and before.worker != s.worker and before.end <= s.begin:
                flow = {"pid": process, "cat": "hand-off", "name": "hand-off", "id": len(events)}
                events.append({**flow, "ph": "s", "tid": before.worker, "ts": before.end * 1e6})
                events.append({**flow, "ph": "f", "bp": "e", "tid": s.worker, "ts": s.begin * 1e6})
            last[s.micro_batch] = s
        return events

    def save(self, path: str | os.PathLike[str], *others: Timeline) -> None:
        """Write Chrome-trace JSON, which Perfetto opens; further timelines are further processes in it."""
        events: list[dict[str, Any]] = []
        for process, timeline in enumerate((self, *others)):
            events += timeline.chrome_trace(process)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events, "displayTimeUnit": "ms"}, file)


def timeline_of(spans: Sequence[tuple[int, int, int, int, int, int]], names: Sequence[str]) -> Timeline:
    """A Timeline of the executor's spans (worker, stage, step, micro-batch, begin, end in ns)."""
    origin = min((s[4] for s in spans), default=0)
    return Timeline(
        tuple(
            sorted(
                (Span(w, g, i, names[i], m, (b - origin) * 1e-9, (e - origin) * 1e-9) for w, g, i, m, b, e in spans),
                key=lambda s: (s.begin, s.worker),
            )
        )
    )
