"""What ran when: spans of (worker, step, micro-batch, begin, end), predicted or measured."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Drawings and traces are imported where they are asked for: ``import stretto`` stays quick.

__all__ = ["Span", "Timeline", "timeline_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """One step on one micro-batch; times in seconds from the run's begin.

    The phase is ``"F"`` (forward), ``"B"`` (input gradient) or ``"W"`` (weight gradient).
    """

    worker: int
    stage: int
    step: int
    name: str
    micro_batch: int
    begin: float
    end: float
    phase: str = "F"

    @property
    def duration(self) -> float:
        """Seconds from begin to end."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Timeline:
    """The spans of one run, in order of their begin.

    Parameters
    ----------
    spans : tuple of Span
    kind : {"measured", "predicted"}
        The heading in drawings and traces.
    labels : tuple of str
        What each worker is called, where it is not just ``worker 0``, ``worker 1``, ...
    predicted : Timeline, optional
        What had been foretold of this run. Drawings and traces show it above; equality does not look at it.

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
    labels: tuple[str, ...] = ()
    predicted: Timeline | None = field(default=None, compare=False, repr=False)

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
            busy[s.worker] = busy.get(s.worker, 0.0) + s.duration
        return busy

    def label(self, worker: int) -> str:
        """What a worker is called in print."""
        return self.labels[worker] if worker < len(self.labels) else f"worker {worker}"

    def draw(self, *others: Timeline, format: str = "text", width: int | None = None) -> str:
        """A Gantt chart: one lane a worker, all timelines on one axis of time, the predicted one of each above it.

        Parameters
        ----------
        *others : Timeline
            To be drawn below.
        format : {"text", "svg"}
            ``"text"`` is plain ASCII for terminals and documents; ``"svg"`` has colours, and each step's times under
            the pointer. Jupyter shows a timeline as SVG by itself.
        width : int, optional
            Columns of the text, 100 by default, or pixels of the SVG, 960 by default.

        Raises
        ------
        ValueError
            If the format is unknown or the width leaves no room for a lane.

        Examples
        --------
        >>> from stretto.timeline import Span, Timeline
        >>> spans = [Span(stage, stage, stage, "matmul", m, m + stage, m + stage + 1.0)
        ...          for stage in range(2) for m in range(4)]
        >>> print(Timeline(tuple(spans), "predicted").draw(width=43))
        predicted  5 s
          worker 0  S0  m0--m1--m2--m3--....   80 %
          worker 1  S1  ....m0--m1--m2--m3--   80 %
                        |-------|-------|----
                        0       2       4 s
          S0: matmul
          S1: matmul
          m0, m1, ...: micro-batches
        """
        from stretto.timeline.chart import Chart
        from stretto.timeline.svg import svg_of
        from stretto.timeline.text import text_of

        chart = Chart.of((self, *others))
        if format == "text":
            return text_of(chart, 100 if width is None else width)
        if format == "svg":
            return svg_of(chart, 960 if width is None else width)
        raise ValueError(f"draw: unknown format: {format!r}; it must be 'text' or 'svg'")

    def chrome_trace(self, process: int = 0) -> list[dict[str, Any]]:
        """The spans as Chrome trace events of one process: a lane a worker, arrows for hand-offs, a counter."""
        from stretto.timeline.trace import trace_of

        return trace_of(self, process)

    def save(self, path: str | os.PathLike[str], *others: Timeline) -> None:
        """Write Chrome-trace JSON, which Perfetto (https://ui.perfetto.dev) opens.

        Each timeline is a process in it, the predicted one of each before it.
        """
        from stretto.timeline.chart import with_predicted

        events: list[dict[str, Any]] = []
        timelines = with_predicted((self, *others))
        for process, timeline in enumerate(timelines):
            events += timeline.chrome_trace(process)
        about = {f"{t.kind} us": round(t.duration * 1e6, 3) for t in timelines}
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"traceEvents": events, "displayTimeUnit": "ms", "otherData": about}, file)

    def _repr_svg_(self) -> str:
        return self.draw(format="svg")


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
