"""Workers that share jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from stretto import _core
from stretto.jobs.job import Job, JobResults
from stretto.jobs.task import Task
from stretto.runner import Runner
from stretto.threads import MOST_THREADS, limit_threads
from stretto.timeline import Span, Timeline

__all__ = ["together"]

END = object()


def together(*jobs: Job, workers: int | None = None, timeout: float | None = None) -> JobResults:
    """Run different jobs at once; never more than ``workers`` threads compute.

    Whenever a worker is free it takes a unit of the job with the highest priority; among equals of the one with the
    fewest units running; among those of the first. A unit is never interrupted, and runs on one thread: plans run
    serially whatever their own schedule, which does not change a bit of their results, and ``st`` calls inside Python
    work use one thread. What other libraries do inside it is theirs.

    An error ends the job that raised it, no other; units of it that run are finished. Ctrl-C ends all: no unit
    begins any more, those that run are finished, and ``KeyboardInterrupt`` is raised; a second one does not wait.

    Parameters
    ----------
    *jobs : Job
    workers : int, optional
        Threads, 1 to 4096; by default as many as a call would use.
    timeout : float, optional
        Seconds after which no unit begins; jobs that are not done then have a ``TimeoutError``, and the results of
        their finished units.

    Returns
    -------
    JobResults
        One :class:`JobResult` for each job, in order, and a ``timeline``. After an error, ``value`` holds what came
        before it.

    Raises
    ------
    TypeError, ValueError
        If an argument is no Job, an option is out of range, or a plan is closed.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net, x = st.ReLU(), -np.ones((4, 3), "f4")
    >>> with st.plan(net, x, schedule="serial") as plan:
    ...     relu, total = st.together(st.Job(plan, [x, x]), st.Job(sum, range(5), priority=1), workers=2)
    >>> len(relu.value), float(relu.value[0].max()), total.value
    (2, 0.0, 10)
    """
    for job in jobs:
        if not isinstance(job, Job):
            raise TypeError(f"together: an argument is of the wrong kind: {type(job).__name__}; wrap it in st.Job")
    if workers is None:
        workers = _core.resolve_threads(0)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_THREADS:
        raise ValueError(f"together: workers is out of range: {workers!r}; it must be 1 to {MOST_THREADS}")
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"together: timeout is out of range: {timeout!r}; it must be seconds, at least 0")
    return Meeting(jobs, workers).run(timeout)


class Meeting:
    """The workers of one call, and what they have done."""

    def __init__(self, jobs: Iterable[Job], workers: int) -> None:
        self.tasks = [Task.of(job, index) for index, job in enumerate(jobs)]
        several = any(isinstance(task.job.work, Runner) for task in self.tasks)
        self.workers = workers if several else min(workers, len(self.tasks))
        self.spans: list[Span] = []
        lock = threading.Lock()
        self.changed, self.finished = threading.Condition(lock), threading.Condition(lock)
        self.stopped = False
        self.began = 0.0

    def run(self, timeout: float | None) -> JobResults:
        self.began = time.perf_counter()
        threads = [
            threading.Thread(target=self._work, args=(worker,), name=f"stretto-together-{worker}")
            for worker in range(self.workers)
        ]
        try:
            for thread in threads:
                thread.start()
            with self.finished:
                self.finished.wait_for(self._done, timeout)
        finally:
            with self.changed:
                self.stopped = True
                self.changed.notify_all()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        results = [task.result(f"in {timeout} seconds") for task in self.tasks]
        labels = tuple(f"worker {worker}" for worker in range(self.workers))
        spans = sorted(self.spans, key=lambda s: (s.begin, s.worker))
        return JobResults(results, Timeline(tuple(spans), labels=labels))

    def _work(self, worker: int) -> None:
        with limit_threads(1):
            while (task := self._claimed()) is not None:
                self._run_unit(task, worker)

    def _claimed(self) -> Task | None:
        """The task whose next unit a free worker takes; waits for one; None when there will be none."""
        with self.changed:
            while not self.stopped and not all(task.ended for task in self.tasks):
                free = [task for task in self.tasks if task.claimable]
                if free:
                    task = min(free, key=lambda t: (-t.job.priority, t.running, t.index))
                    task.taking = True
                    task.running += 1
                    return task
                self.changed.wait()
        return None

    def _run_unit(self, task: Task, worker: int) -> None:
        """Take what the source gives and run it; the source is free for others in between."""
        begin = time.perf_counter() - self.began
        unit, value, error = task.begun, None, None
        try:
            given = next(task.source, END)
        except BaseException as raised:
            given, error = None, raised
        with self.changed:
            task.taking = False
            task.ended |= given is END or error is not None
            task.begun += given is not END
            task.running -= given is END
            self._tell()
        if given is END:
            return
        if error is None:
            try:
                value = task.work(given)
            except BaseException as raised:
                error = raised
        end = time.perf_counter() - self.began
        with self.changed:
            task.finish(unit, value, error, end)
            self.spans.append(Span(worker, task.index, 0, task.name, unit, begin, end))
            self._tell()

    def _done(self) -> bool:
        return all(task.done for task in self.tasks)

    def _tell(self) -> None:
        self.changed.notify_all()
        if self._done():
            self.finished.notify()
