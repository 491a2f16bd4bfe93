"""Which schedules could run a Program, which one does, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from stretto.program import Program
from stretto.schedule import branches
from stretto.schedule.cost import Rates
from stretto.schedule.partition import cuts_of_sums
from stretto.schedule.plan import Choice, Stage

__all__ = ["OBJECTIVES", "SCHEDULES", "Candidate", "candidates", "decide", "explain", "pipeline_stages"]

SCHEDULES = ("serial", "intra", "data", "task", "pipeline")  # the simpler first
OBJECTIVES = ("throughput", "latency", "memory")
MARGIN = 0.03  # how much faster a less simple schedule must be


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice that was considered, with what was measured of it and what became of it."""

    choice: Choice
    seconds: tuple[float, ...] = ()  # of each timed run
    bytes: int | None = None  # of its arenas
    verdict: str = ""

    @property
    def median(self) -> float | None:
        return float(np.median(self.seconds)) if self.seconds else None


def candidates(
    program: Program,
    samples: int,
    times: Sequence[float],
    *,
    workers: int,
    schedule: str | None = None,
    micro_batch: int | None = None,
    threads: int | None = None,
    rates: Rates | None = None,
) -> list[Candidate]:
    """Every choice worth timing, and those ruled out, with the reason as their verdict.

    Parameters
    ----------
    program : Program
    samples : int
    times : sequence of float
        Seconds of each step on one thread.
    workers : int
        At most so many.
    schedule, micro_batch, threads : optional
        What the user has decided.
    """
    rates = rates or Rates()
    inside = threads or 1
    uncut = program.why_not_cut()
    found: list[Candidate] = []
    for name in SCHEDULES if schedule is None else (schedule,):
        forced = schedule is not None
        if name == "serial":
            found.append(Candidate(Choice("serial", threads=inside if forced else 1, micro_batch=micro_batch)))
        elif name == "intra":
            found.append(_intra(workers, threads, micro_batch, forced))
        elif name == "data":
            found.append(_data(samples, workers, inside, micro_batch, uncut, forced))
        elif name == "task":
            found.append(_task(program, times, workers, inside, micro_batch, rates))
        else:
            found += _pipelines(program, samples, times, workers, inside, micro_batch, uncut, forced, rates)
    return found


def _intra(workers: int, threads: int | None, micro_batch: int | None, forced: bool) -> Candidate:
    choice = Choice("intra", threads=threads or workers, micro_batch=micro_batch)
    return Candidate(choice, verdict="" if forced or choice.threads > 1 else "one thread: the same as serial")


def _data(
    samples: int, workers: int, threads: int, micro_batch: int | None, uncut: str | None, forced: bool
) -> Candidate:
    used = workers if forced else min(workers, max(1, samples))
    choice = Choice("data", used, threads, micro_batch)
    return Candidate(choice, verdict=uncut or ("" if forced or used > 1 else "one share: the same as serial"))


def _task(
    program: Program, times: Sequence[float], workers: int, threads: int, micro_batch: int | None, rates: Rates
) -> Candidate:
    stages = branches.chains(program)
    placement = branches.place(program, stages, times, workers, rates.hand_off)
    if micro_batch is not None:
        return Candidate(Choice("task", workers, threads), verdict="task takes the batch whole: micro_batch is given")
    if placement is None:
        reason = "one worker" if workers == 1 else "no independent branches that are worth a hand-off"
        return Candidate(Choice("task", workers, threads, stages=stages), verdict=reason)
    return Candidate(Choice("task", len(placement), threads, None, stages, placement))


def _pipelines(
    program: Program,
    samples: int,
    times: Sequence[float],
    workers: int,
    threads: int,
    micro_batch: int | None,
    uncut: str | None,
    forced: bool,
    rates: Rates,
) -> list[Candidate]:
    most = min(workers, len(program.steps))
    if uncut or most < 2:
        reason = uncut or ("one worker" if workers < 2 else "one step")
        stages = pipeline_stages(program, times, 1, rates)
        return [
            Candidate(Choice("pipeline", 1, threads, micro_batch, stages), verdict=uncut or ("" if forced else reason))
        ]
    found = []
    for count in [most] if forced or most == 2 else [2, most]:
        stages = pipeline_stages(program, times, count, rates)
        if micro_batch is not None:
            sizes = [micro_batch]
        else:
            sizes = sorted({max(1, -(-samples // (parts * count))) for parts in (2, 4, 8)})
        found += [Candidate(Choice("pipeline", count, threads, size, stages)) for size in sizes]
    if samples < 2 and not forced:
        return [Candidate(c.choice, verdict="one sample: nothing overlaps") for c in found[:1]]
    return found


def pipeline_stages(program: Program, times: Sequence[float], stages: int, rates: Rates) -> tuple[Stage, ...]:
    """Contiguous stages whose slowest is fastest."""
    if not times:
        return (Stage("all", ()),)
    _, ends = cuts_of_sums(times, stages, rates.hand_off)
    begins = [0, *ends[:-1]]
    return tuple(
        Stage(f"{program.steps[begin].op}..{program.steps[end - 1].op}", tuple(range(begin, end)))
        for begin, end in zip(begins, ends, strict=True)
    )


def decide(considered: Sequence[Candidate], objective: str) -> tuple[int, list[Candidate]]:
    """The index of the chosen candidate, and all with their verdicts.

    The fastest median wins; a simpler schedule within 3 % of it is preferred. For the objective ``"memory"`` the
    smallest arenas win, then time.
    """
    timed = [i for i, c in enumerate(considered) if c.median is not None]
    if not timed:
        raise ValueError("plan: no schedule can run this: " + "; ".join(c.verdict for c in considered))

    def median(i: int) -> float:
        value = considered[i].median
        assert value is not None
        return value

    pool = timed
    if objective == "memory":
        least = min(considered[i].bytes or 0 for i in timed)
        pool = [i for i in timed if (considered[i].bytes or 0) == least]
    best = min(median(i) for i in pool)
    near = [i for i in pool if median(i) <= best * (1 + MARGIN)]
    chosen = min(near, key=lambda i: (SCHEDULES.index(considered[i].choice.schedule), median(i)))
    result = []
    for i, c in enumerate(considered):
        verdict = c.verdict
        if i == chosen:
            verdict = "chosen: " + _reason(i, best, median, objective)
        elif i in timed and i not in pool:
            verdict = "more memory"
        elif i in timed:
            ratio = median(i) / median(chosen)
            verdict = f"{ratio:.2f} times the chosen time" if ratio > 1 + MARGIN else "no faster by more than 3 %"
        result.append(Candidate(c.choice, c.seconds, c.bytes, verdict))
    return chosen, result


def _reason(i: int, best: float, median: Callable[[int], float], objective: str) -> str:
    if objective == "memory":
        return "the least memory"
    return "the fastest" if median(i) == best else "within 3 % of the fastest, and simpler"


def explain(considered: Sequence[Candidate], objective: str, format: str) -> str:
    """The candidates as a table, or as JSON."""
    if format == "json":
        rows = [
            {"choice": asdict(c.choice), "seconds": c.median, "bytes": c.bytes, "verdict": c.verdict}
            for c in considered
        ]
        return json.dumps({"objective": objective, "candidates": rows})
    if format != "text":
        raise ValueError(f"explain: unknown format: {format!r}; it must be 'text' or 'json'")
    table = [("candidate", "time", "memory", "")]
    for c in considered:
        time = "-" if c.median is None else _seconds(c.median)
        memory = "-" if c.bytes is None else f"{c.bytes / 1024:.0f} KiB"
        table.append((str(c.choice), time, memory, c.verdict))
    widths = [max(len(row[k]) for row in table) for k in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {m:>{widths[2]}}  {verdict}".rstrip() for a, b, m, verdict in table]
    return "\n".join([f"objective: {objective}", *lines])


def _seconds(value: float) -> str:
    return f"{value * 1e6:.1f} us" if value < 1e-3 else f"{value * 1e3:.3f} ms"
