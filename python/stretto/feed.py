"""What goes into a stream and what comes out of it: one batch at a time, within bounds, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from stretto.budget import Budget
from stretto.channels import Channel
from stretto.progress import Reporter
from stretto.python_stages import Function, StagedLine
from stretto.timeline import Span, Timeline

__all__ = ["Feed"]


class Feed:
    """Pushes batches into a channel, and delivers their results; who pulls them from a source is another's affair.

    Parameters
    ----------
    channel : Channel
    memory_limit : int or None
        Bytes that the batches in flight may hold.
    copy, timeline : bool
    before, after : sequence of callable
        Python stages, on ``python_workers`` threads each.
    reporter : Reporter or None
        Who is told of every result.

    Attributes
    ----------
    wants_batch : callable
        ``wants_batch(is_first)``: whether to pull another batch, the first one if there is room, a further one while
        nothing is ready.
    """

    def __init__(
        self,
        channel: Channel,
        memory_limit: int | None,
        copy: bool,
        timeline: bool,
        before: Sequence[Function],
        after: Sequence[Function],
        python_workers: int,
        reporter: Reporter | None,
    ) -> None:
        self._channel = channel
        self._flow = channel.flow
        self._reporter = reporter
        self._copy = copy and channel.in_flight > 1
        self._with_timeline = timeline
        self._budget = None if memory_limit is None else Budget(memory_limit)
        self._staged: StagedLine | None = None
        if before or after:
            self._staged = StagedLine(
                channel.flow, self._push_in_turn, before, after, python_workers, channel.in_flight, channel.workers
            )
        self._line = self._staged or channel.flow
        self._held: tuple[Any, tuple[Any, ...], int] | None = None  # pulled, and waiting for memory
        self._samples: deque[int] = deque()  # of the batches in flight, for the reporter
        self._spans: list[tuple[int, int, int, int, int, int]] = []
        self._pulled = 0
        self._is_exhausted = False
        self._failure: BaseException | None = None  # raised after the results of the batches before it
        self.delivered = 0
        self.wants_batch = self._line.wants_batch if self._budget is None else self._wants_batch_within_budget

    def _wants_batch_within_budget(self, is_first: bool) -> bool:
        fits = self._held is None or self._push_held()
        return fits and not self._is_exhausted and self._line.wants_batch(is_first)

    def exhaust(self) -> None:
        """There are no more batches."""
        self._is_exhausted = True
        if self._budget is None:
            self.wants_batch = _wants_none

    def fail(self, error: BaseException) -> None:
        """There are no more batches, but an error, whose turn comes after the results."""
        self._failure = error
        self.exhaust()

    def push(self, batch: Any) -> bool:
        """Take a batch that was wanted, and say whether another one is; a wrong one is an error in its turn."""
        number = self._pulled
        self._pulled = number + 1
        if self._staged is not None:
            self._staged.push(batch)
            return self._staged.wants_batch(False)
        try:
            score, arrays, samples = self._channel.bind(batch)
            if self._budget is not None:
                self._check_size(samples)
                self._held = score, arrays, samples
                return self._wants_batch_within_budget(False)
            self._count(samples)
            return self._flow.push(score, arrays, self._copy, self._with_timeline)
        except Exception as error:
            self.fail(_in_batch(error, number))
            return False

    def _push_held(self) -> bool:
        assert self._held is not None
        assert self._budget is not None
        score, arrays, samples = self._held
        if not self._budget.take(self._channel.bytes_of(samples), wait=False):
            return False
        self._held = None
        self._count(samples)
        self._flow.push(score, arrays, self._copy, self._with_timeline)
        return True

    def _push_in_turn(self, batch: Any, number: int) -> None:
        """The same on a thread of the Python stages, which may wait for memory."""
        try:
            score, arrays, samples = self._channel.bind(batch)
            if self._budget is not None:
                self._check_size(samples)
                self._budget.take(self._channel.bytes_of(samples), wait=True)
            self._count(samples)
            self._flow.push(score, arrays, self._copy, self._with_timeline)
        except Exception as error:
            raise _in_batch(error, number) from None

    def _count(self, samples: int) -> None:
        if self._reporter is not None:
            self._samples.append(samples)

    def _check_size(self, samples: int) -> None:
        assert self._budget is not None
        size = self._channel.bytes_of(samples)
        if size > self._budget.limit:
            raise ValueError(
                f"stream: a batch of {samples} samples needs {size} bytes; memory_limit is {self._budget.limit}"
            )

    def deliver(self) -> Any:
        """The oldest batch's result; raises what became of it, or StopIteration after the last."""
        failure = None
        try:
            result = self._line.next()
        except StopIteration:
            failure = self._failure
            if failure is None:
                raise
        if failure is not None:  # with the causes that it came with
            raise failure
        self.delivered += 1
        if self._budget is not None:
            self._budget.release()
        if self._with_timeline:
            self._spans += self._flow.spans()
        if self._reporter is not None:
            self._reporter.delivered(self._samples.popleft())
        return result

    def let_go(self) -> None:
        """From any thread: nobody shall wait any longer."""
        if self._staged is not None:
            self._staged.cancel()
        if self._budget is not None:
            self._budget.release_all()
        self._flow.cancel()

    def end(self) -> None:
        """Stop the workers, free the memory and give the channel back."""
        if self._budget is not None:
            self._budget.release_all()
        if self._staged is not None:
            self._staged.close()
        self._flow.stop()
        self._channel.give_back(self._flow)
        self._held = None
        if self._reporter is not None:
            self._reporter.close()

    def timeline(self) -> Timeline:
        """What ran when, for the batches delivered so far."""
        if not self._with_timeline:
            raise ValueError("stream: nothing was recorded; ask for it with stream(..., timeline=True)")
        begins = [span[4] for span in self._spans]
        if self._staged is not None:
            begins += self._staged.begins()
        origin = min(begins, default=0)
        names = self._channel.steps
        spans = [
            Span(w, g, i, names[i], m, (b - origin) * 1e-9, (e - origin) * 1e-9) for w, g, i, m, b, e in self._spans
        ]
        if self._staged is not None:
            spans += self._staged.spans(origin)
        return Timeline(tuple(sorted(spans, key=lambda s: (s.begin, s.worker))))


def _wants_none(is_first: bool) -> bool:
    return False


def _in_batch(error: Exception, number: int) -> Exception:
    """An error of the arrays, with the batch's number in its text."""
    if type(error) in (ValueError, TypeError):
        return type(error)(f"{error} [batch {number}]")
    error.add_note(f"in batch {number} of the stream")
    return error
