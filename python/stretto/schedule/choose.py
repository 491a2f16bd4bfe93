"""Which of the candidates runs calls, and which runs streams: by prediction, then by measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stretto.schedule.candidate import Candidate, Wanted
from stretto.schedule.candidates import SCHEDULES, candidates
from stretto.schedule.cost import CostModel
from stretto.schedule.predict import predict

__all__ = ["OBJECTIVES", "Decision", "best_call", "choose", "decide", "predicted", "shortlist"]

OBJECTIVES = ("throughput", "latency", "memory")
MARGIN = 0.03  # how much faster a less simple schedule must be
NEAR = 0.15  # candidates this near to the best prediction are timed
FAMILY = 0.5  # and the best of each schedule, when it is this near,
UNSURE = 200e-6  # or nearer than this: whether workers are awake is not known before
LEAST_TIMED = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """All candidates with their verdicts, and which of them runs calls and streams."""

    considered: tuple[Candidate, ...]
    call: int
    stream: int
    objective: str
    layout: str = ""  # where maps have their channels last, and what it is worth

    @property
    def sentence(self) -> str:
        """What was chosen, and why."""
        chosen = self.considered[self.call]
        text = f"{chosen.choice} runs calls: {chosen.verdict.removeprefix('chosen: ')}"
        if self.stream != self.call:
            text += f"; {self.considered[self.stream].choice} runs streams: the most batches a second"
        return text + "."


def choose(model: CostModel, samples: int, wanted: Wanted, objective: str) -> Decision:
    """The decision by prediction alone: a pure function of the model's program, rates and machine.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> from stretto.schedule.machine import Machine
    >>> program = st.trace(st.Linear(512, 512), np.ones((4096, 512), "f4"))
    >>> decision = choose(CostModel(program, Machine(cores=8)), 4096, Wanted(workers=8), "throughput")
    >>> str(decision.considered[decision.call].choice)
    'intra (8 threads)'
    """
    return decide(predicted(model, candidates(model, samples, wanted), samples), objective)


def predicted(model: CostModel, considered: Sequence[Candidate], samples: int) -> list[Candidate]:
    """The candidates that nothing speaks against, with their predictions."""
    return [c if c.verdict else replace(c, predicted=predict(model, c.choice, samples)) for c in considered]


def shortlist(considered: Sequence[Candidate], time: Callable[[Candidate], float]) -> list[int]:
    """Those worth timing, the best first: the best three, all within 15 % of the best, and near best of their kind."""
    ranked = sorted((i for i, c in enumerate(considered) if c.predicted), key=lambda i: time(considered[i]))
    if not ranked:
        return []
    best = time(considered[ranked[0]])
    first_of: dict[str, int] = {}
    for i in ranked:
        first_of.setdefault(considered[i].choice.schedule, i)
    return [
        i
        for place, i in enumerate(ranked)
        if place < LEAST_TIMED
        or time(considered[i]) <= best * (1 + NEAR)
        or (i in first_of.values() and time(considered[i]) <= best * (1 + FAMILY) + UNSURE)
    ]


def call_seconds(candidate: Candidate) -> float:
    """Measured if it was, else predicted."""
    if candidate.median is not None:
        return candidate.median
    return candidate.predicted.seconds if candidate.predicted else float("inf")


def stream_seconds(candidate: Candidate) -> float:
    """Of a batch in a stream: measured if it was, else predicted."""
    if candidate.median_period is not None:
        return candidate.median_period
    return candidate.predicted.period if candidate.predicted else float("inf")


def arenas(candidate: Candidate) -> float:
    """Bytes of memory."""
    return float("inf") if candidate.bytes is None else candidate.bytes


def decide(considered: Sequence[Candidate], objective: str, layout: str = "") -> Decision:
    """Choose by the medians of what was timed, or by prediction if nothing was.

    The fastest call wins; a simpler schedule within 3 % of it is preferred. Streams take the same, but for
    ``"throughput"``, where they take the least time for a batch. For ``"memory"`` the smallest arenas win, then time.
    """
    call = stream = best_call(considered, objective)
    if objective == "throughput":
        timed = [i for i, c in enumerate(considered) if c.median_period is not None]
        stream = _best(considered, stream_seconds, timed, objective)
        if stream_seconds(considered[stream]) > (1 - MARGIN) * stream_seconds(considered[call]):
            stream = call
    rows = [replace(c, verdict=_verdict(considered, i, call, stream, objective)) for i, c in enumerate(considered)]
    return Decision(tuple(rows), call, stream, objective, layout)


def best_call(considered: Sequence[Candidate], objective: str) -> int:
    """Which of them runs calls."""
    return _best(considered, call_seconds, [i for i, c in enumerate(considered) if c.median is not None], objective)


def _best(
    considered: Sequence[Candidate], time: Callable[[Candidate], float], timed: Sequence[int], objective: str
) -> int:
    pool = list(timed) or [i for i, c in enumerate(considered) if c.predicted]
    if not pool:
        raise ValueError("plan: no schedule can run this: " + "; ".join(c.verdict for c in considered))
    if objective == "memory":
        least = min(considered[i].bytes or 0 for i in pool)
        pool = [i for i in pool if (considered[i].bytes or 0) == least]
    best = min(time(considered[i]) for i in pool)
    near = [i for i in pool if time(considered[i]) <= best * (1 + MARGIN)]
    return min(near, key=lambda i: (*_complexity(considered[i]), time(considered[i])))


def _complexity(candidate: Candidate) -> tuple[int, int]:
    choice = candidate.choice
    return SCHEDULES.index(choice.schedule), choice.workers * choice.threads


def _verdict(considered: Sequence[Candidate], i: int, call: int, stream: int, objective: str) -> str:
    this, chosen = considered[i], considered[call]
    if i == call:
        if objective == "memory":
            return "chosen: the least memory"
        fastest = min(call_seconds(c) for c in considered if (c.median is None) == (chosen.median is None))
        how = "measured" if chosen.median is not None else "predicted"
        if call_seconds(chosen) == fastest:
            return f"chosen: the fastest {how}"
        return f"chosen: within 3 % of the fastest {how}, and simpler"
    if i == stream:
        return "chosen for streams: the most batches a second"
    if this.verdict or (this.predicted is None and this.median is None):
        return this.verdict
    if objective == "memory" and (this.bytes or 0) > (chosen.bytes or 0):
        return "more memory"
    ratio = call_seconds(this) / call_seconds(chosen)
    if this.median is None and chosen.median is not None:
        return (
            f"not timed: predicted {_times(this.predicted.seconds / chosen.predicted.seconds)}"
            if (this.predicted and chosen.predicted)
            else "not timed"
        )
    return _times(ratio) if ratio > 1 + MARGIN else "no faster by more than 3 %"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times the chosen time"
