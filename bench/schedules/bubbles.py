"""Idle time of real workers that sleep in place of computing, against the closed formulas."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
import stretto as st
from stretto.rehearsal import rehearse
from stretto.schedule import orders
from stretto.schedule.items import items_of
from stretto.schedule.plan import MicroBatch, Plan, Stage
from stretto.schedule.simulate import idle_fraction
from tqdm import tqdm

from bench.schedules.result import Result, aligned, duration, heading
from bench.schedules.timing import median

ALLOWED = 0.03  # between measured and formula
CHUNKS = 2  # of each worker, interleaved
Order: TypeAlias = Iterable[Iterable[orders.Work]]

# With sleeps as long for F and B, none for W but in ZB-H1, where all three are as long.
SCHEDULES: dict[str, tuple[Callable[[int, int], Order], Callable[[int, int], float]]] = {
    "stream": (orders.stream, lambda p, m: (p - 1) / (m + p - 1)),
    "gpipe": (orders.gpipe, lambda p, m: (p - 1) / (m + p - 1)),
    "1f1b": (orders.one_forward_one_backward, lambda p, m: (p - 1) / (m + p - 1)),
    "interleaved": (lambda p, m: orders.interleaved(p, m, CHUNKS), lambda p, m: (p - 1) / (CHUNKS * m + p - 1)),
    "zb-h1": (orders.zero_bubble_h1, lambda p, m: (p - 1) / (3 * m + p - 1)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes, and how long an item sleeps."""
    parser.add_argument("--workers", default="2,4,8")
    parser.add_argument("--micro-batches", default="8,16,32", help="multiples of the workers, for interleaved")
    parser.add_argument("--seconds", type=float, default=0.01, help="that an item sleeps")
    parser.add_argument("--rounds", type=int, default=3)


def measure(arguments: argparse.Namespace) -> Result:
    """Rehearse every schedule."""
    cases = [
        (schedule, int(p), int(m))
        for schedule in SCHEDULES
        for p in arguments.workers.split(",")
        for m in arguments.micro_batches.split(",")
        if int(m) % int(p) == 0
    ]
    rows = []
    for schedule, workers, micro_batches in tqdm(cases, desc="bubbles", unit="case", disable=None):
        plan = plan_of(schedule, workers, micro_batches)
        timelines = [rehearse(plan, sleeps(plan, arguments.seconds)) for _ in range(arguments.rounds)]
        rows.append(
            {
                "schedule": schedule,
                "workers": workers,
                "micro_batches": micro_batches,
                "formula": SCHEDULES[schedule][1](workers, micro_batches),
                "measured": median([idle_fraction(timeline, workers) for timeline in timelines]),
                "seconds": median([timeline.duration for timeline in timelines]),
            }
        )
    return {"allowed": ALLOWED, "rows": rows}


def plan_of(schedule: str, workers: int, micro_batches: int) -> Plan:
    """The plan of a schedule for a chain of as many stages as it has."""
    count = workers * (CHUNKS if schedule == "interleaved" else 1)

    def chain(x: np.ndarray) -> np.ndarray:
        for _ in range(count):
            x = st.relu(x)
        return x

    program = st.trace(chain, np.ones((2, 1), np.float32))
    stages = tuple(Stage(f"stage {i}", (i,)) for i in range(count))
    batches = tuple(MicroBatch(i, 1, i) for i in range(micro_batches))
    items, lists = items_of(program, stages, batches, list(SCHEDULES[schedule][0](workers, micro_batches)))
    return Plan(schedule, micro_batches, stages, batches, items, lists, slots=micro_batches)


def sleeps(plan: Plan, seconds: float) -> list[float]:
    """How long each item sleeps."""
    asleep = ("F", "B", "W") if plan.schedule == "zb-h1" else ("F", "B")
    return [seconds if item.phase in asleep else 0.0 for item in plan.items]


def table(result: Result) -> str:
    """A line for each schedule and size."""
    lines = [("schedule", "workers", "micro-batches", "formula", "measured", "difference", "time")]
    for row in result["rows"]:
        sizes = (str(row["workers"]), str(row["micro_batches"]))
        bubbles = (f"{row['formula']:.3f}", f"{row['measured']:.3f}", f"{row['measured'] - row['formula']:+.3f}")
        lines.append((row["schedule"], *sizes, *bubbles, duration(row["seconds"])))
    worst = max(abs(row["measured"] - row["formula"]) for row in result["rows"])
    last = f"largest difference {worst:.3f}; {result['allowed']} is allowed"
    return "\n".join([heading(result), *aligned(lines), last])
