"""Jobs, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stretto.runner import Runner
from stretto.timeline import Timeline

__all__ = ["Job", "JobResult", "JobResults"]


class Job:
    """Work for :func:`together`.

    Parameters
    ----------
    work : Runner, callable or iterable
        A plan, with an iterable of its batches: each batch is a unit, and several may run at once. A callable, with
        its arguments: one unit. An iterable: each step of it is a unit, one after the other; a generator does its
        work between two ``yield``.
    *inputs
        The batches, or the arguments. The batch of a network with several inputs is a tuple.
    name : str, optional
        For results and timelines; by default the callable's own, or ``job 0``, ``job 1``, ...
    priority : int
        A free worker takes the highest first.

    Raises
    ------
    TypeError
        If the work is of none of these kinds, or its inputs are not what it takes.

    Examples
    --------
    >>> import stretto as st
    >>> st.Job(sum, [1, 2, 3], priority=2)
    Job('sum', priority=2)
    """

    def __init__(self, work: Any, *inputs: Any, name: str | None = None, priority: int = 0) -> None:
        if isinstance(work, Runner):
            if len(inputs) != 1 or not isinstance(inputs[0], Iterable):
                raise TypeError(f"Job: {len(inputs)} inputs given; a plan takes one iterable of batches")
        elif not callable(work):
            if not isinstance(work, Iterable):
                kind = type(work).__name__
                raise TypeError(f"Job: work is of the wrong kind: {kind}; it must be a plan, a callable or an iterable")
            if inputs:
                raise TypeError(f"Job: {len(inputs)} inputs given; an iterable takes none")
        self.work, self.inputs, self.priority = work, inputs, priority
        self.name = name or ("" if isinstance(work, Runner) else getattr(work, "__name__", ""))

    def __repr__(self) -> str:
        return f"Job({self.name!r}, priority={self.priority})"


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job.

    Examples
    --------
    >>> import stretto as st
    >>> good, bad = st.together(st.Job(sum, [1, 2, 3]), st.Job(int, "x"))
    >>> good.result(), type(bad.error).__name__
    (6, 'ValueError')
    """

    name: str
    value: Any  # what a callable returned; a list of the units' results, in order, of a plan or iterable
    error: BaseException | None
    seconds: float  # from the call of together to the job's end
    units: int  # that were finished

    def result(self) -> Any:
        """The value; raises the job's error if it had one."""
        if self.error is not None:
            raise self.error
        return self.value


class JobResults(list[JobResult]):
    """The results in the order of the jobs, and ``timeline``: which worker ran which unit when.

    Examples
    --------
    >>> import stretto as st
    >>> results = st.together(st.Job(sum, [1, 2]), st.Job(iter("ab")), workers=1)
    >>> [span.name for span in results.timeline.spans]
    ['sum', 'job 1', 'job 1']
    """

    def __init__(self, results: Iterable[JobResult], timeline: Timeline) -> None:
        super().__init__(results)
        self.timeline = timeline
