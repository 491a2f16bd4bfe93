"""Timelines in Chrome's trace event format, which Perfetto opens.

The format: "Trace Event Format", Google, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stretto.timeline.chart import PHASES, key_of

if TYPE_CHECKING:
    from stretto.timeline.spans import Span, Timeline

__all__ = ["trace_of"]

Event = dict[str, Any]

# Of the names that chrome://tracing knows: green, orange, blue.
COLOURS = {"F": "thread_state_running", "B": "thread_state_iowait", "W": "thread_state_runnable"}


def trace_of(timeline: Timeline, process: int) -> list[Event]:
    """The events of one timeline; times in microseconds."""
    return [
        {**event, "pid": process}
        for part in (_names(timeline, process), _steps(timeline), _hand_offs(timeline, process), _in_flight(timeline))
        for event in part
    ]


def _names(timeline: Timeline, process: int) -> Iterator[Event]:
    yield {"ph": "M", "name": "process_name", "args": {"name": timeline.kind}}
    yield {"ph": "M", "name": "process_sort_index", "args": {"sort_index": process}}
    for worker in sorted({s.worker for s in timeline.spans}):
        yield {"ph": "M", "tid": worker, "name": "thread_name", "args": {"name": timeline.label(worker)}}
        yield {"ph": "M", "tid": worker, "name": "thread_sort_index", "args": {"sort_index": worker}}


def _steps(timeline: Timeline) -> Iterator[Event]:
    foretold = {key_of(s): s.duration for s in timeline.predicted.spans} if timeline.predicted else {}
    for s in timeline.spans:
        about: Event = {"step": s.step, "stage": s.stage, "micro_batch": s.micro_batch}
        if key_of(s) in foretold:
            about["predicted_us"] = _us(foretold[key_of(s)])
        yield {
            "ph": "X",
            "tid": s.worker,
            "name": s.name,
            "cat": PHASES[s.phase],
            "cname": COLOURS[s.phase],
            "ts": _us(s.begin),
            "dur": _us(s.duration),
            "args": about,
        }


def _hand_offs(timeline: Timeline, process: int) -> Iterator[Event]:
    """An arrow where a micro-batch goes on at another worker."""
    last: dict[int, Span] = {}
    for number, s in enumerate(timeline.spans):
        before = last.get(s.micro_batch)
        if before and before.worker != s.worker and before.end <= s.begin:
            # Chrome joins arrows of one number across processes.
            flow = {"cat": "hand-off", "name": f"micro-batch {s.micro_batch}", "id": process << 32 | number}
            yield {**flow, "ph": "s", "tid": before.worker, "ts": _us(before.end)}
            yield {**flow, "ph": "f", "bp": "e", "tid": s.worker, "ts": _us(s.begin)}
        last[s.micro_batch] = s


def _in_flight(timeline: Timeline) -> Iterator[Event]:
    """A counter: the micro-batches that have begun and not ended."""
    begins: dict[int, float] = {}
    ends: dict[int, float] = {}
    for s in timeline.spans:
        begins[s.micro_batch] = min(s.begin, begins.get(s.micro_batch, s.begin))
        ends[s.micro_batch] = max(s.end, ends.get(s.micro_batch, s.end))
    changes = sorted([(end, -1) for end in ends.values()] + [(begin, 1) for begin in begins.values()])
    count = 0
    for seconds, change in changes:
        count += change
        yield {"ph": "C", "name": "micro-batches in flight", "ts": _us(seconds), "args": {"micro-batches": count}}


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 3)
