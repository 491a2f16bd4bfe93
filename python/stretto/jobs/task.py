"""Jobs while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stretto import _core
from stretto.jobs.job import Job, JobResult
from stretto.opening import Shop
from stretto.runner import Runner
from stretto.schedule.plan import Choice

__all__ = ["Task"]


@dataclass(slots=True, eq=False)
class Task:
    """A job that runs: where its units come from, and what became of them."""

    job: Job
    index: int
    name: str
    source: Iterator[Any]  # one worker at a time
    work: Callable[[Any], Any]  # on what the source gave; several workers at once
    taking: bool = False  # a worker is at the source
    ended: bool = False  # no further unit will begin
    running: int = 0
    begun: int = 0
    values: dict[int, Any] = field(default_factory=dict)
    errors: dict[int, BaseException] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, job: Job, index: int) -> Task:
        name = job.name or f"job {index}"
        if isinstance(job.work, Runner):
            return cls(job, index, name, iter(job.inputs[0]), Serial(job.work))
        if callable(job.work):
            return cls(job, index, name, iter((job.inputs,)), lambda inputs: job.work(*inputs))
        return cls(job, index, name, iter(job.work), lambda value: value)

    @property
    def claimable(self) -> bool:
        return not self.taking and not self.ended

    @property
    def done(self) -> bool:
        return self.ended and not self.running

    def finish(self, unit: int, value: Any, error: BaseException | None, seconds: float) -> None:
        """Note what became of a unit."""
        self.running -= 1
        self.seconds = max(self.seconds, seconds)
        if error is None:
            self.values[unit] = value
            return
        error.add_note(f"together: in {self.name}, unit {unit}")
        self.errors[unit] = error
        self.ended = True

    def result(self, late: str) -> JobResult:
        """Of the units before the first that failed or is missing."""
        error = self.errors[min(self.errors)] if self.errors else None
        last = min(self.errors, default=self.begun)
        values = [self.values[unit] for unit in range(last) if unit in self.values]
        if error is None and not self.done:
            error = TimeoutError(f"together: {self.name} was not done {late}; {len(values)} units were")
        value = values if isinstance(self.job.work, Runner) or not callable(self.job.work) else (values or [None])[0]
        return JobResult(self.name, value, error, self.seconds, len(self.values))


class Serial:
    """A plan's program, run by several threads at once, on one thread each, with the weights packed once."""

    def __init__(self, plan: Runner) -> None:
        if plan._is_closed:
            raise ValueError("together: the plan is closed; make a new one with st.plan")
        self.plan = plan
        self.shop = plan._shop
        self.lock = threading.Lock()
        self.idle: list[Runner] = []

    def __call__(self, batch: Any) -> Any:
        with self.lock:
            runner = self.idle.pop() if self.idle else None
        runner = runner or Runner(self.plan.program, Choice("serial"), _shop=Booth(self.shop, self.lock))
        result = runner(*batch) if isinstance(batch, tuple) else runner(batch)
        with self.lock:
            self.idle.append(runner)
        return result


class Booth(Shop):
    """Room for one worker, with the constants of a shop; runners of one shop would take turns."""

    def __init__(self, shop: Shop, lock: threading.Lock) -> None:
        super().__init__(shop.program, 1)
        self.shop, self.lock = shop, lock

    def constants(self, gpu: int | None = None) -> _core.Constants:
        with self.lock:
            return self.shop.constants(gpu)
