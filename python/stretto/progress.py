"""Progress of a stream or a calibration: a bar on stderr, or a function of the user's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO, TypeAlias

__all__ = ["Countdown", "Progress", "ProgressEvent"]

INTERVAL = 0.1  # seconds between two lines of the short bar


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """How far a stream is: batches done and in all (None: unknown), samples done, seconds since its begin.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> seen = []
    >>> with st.plan(st.ReLU(), np.ones((2, 3), "f4"), schedule="serial") as plan:
    ...     for y in plan.stream([np.ones((2, 3), "f4")] * 2, progress=seen.append):
    ...         pass
    >>> [(event.done, event.total, event.samples) for event in seen]
    [(1, 2, 2), (2, 2, 4)]
    """

    done: int
    total: int | None
    samples: int
    seconds: float


Progress: TypeAlias = Callable[[ProgressEvent], object]


class Reporter:
    """Counts what a stream delivers, and tells a function of it."""

    def __init__(self, tell: Progress, total: int | None) -> None:
        self._tell = tell
        self._total = total
        self._done = self._samples = 0
        self._begin = time.perf_counter()

    def delivered(self, samples: int) -> None:
        self._done += 1
        self._samples += samples
        self._tell(ProgressEvent(self._done, self._total, self._samples, time.perf_counter() - self._begin))

    def close(self) -> None:
        close = getattr(self._tell, "close", None)
        if close is not None:
            close()


class TqdmBar:
    """A tqdm bar; tqdm itself is silent where stderr is no terminal."""

    def __init__(self, tqdm: Any, total: int | None, unit: str) -> None:
        self._bar = tqdm(total=total, unit=f" {unit}", disable=None, file=sys.stderr)

    def __call__(self, event: ProgressEvent) -> None:
        self._bar.update(event.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class ShortBar:
    """One line that is written again and again, for who has no tqdm."""

    def __init__(self, file: TextIO, unit: str) -> None:
        self._file = file
        self._unit = unit
        self._is_on = file.isatty()
        self._next = 0.0
        self._event: ProgressEvent | None = None

    def __call__(self, event: ProgressEvent) -> None:
        self._event = event
        if self._is_on and event.seconds >= self._next:
            self._next = event.seconds + INTERVAL
            self._write(event)

    def _write(self, event: ProgressEvent) -> None:
        of = "" if event.total is None else f"/{event.total}"
        rate = f", {event.samples / event.seconds:.0f} samples/s" if event.samples and event.seconds > 0 else ""
        self._file.write(f"\r{event.done}{of} {self._unit}{rate}")
        self._file.flush()

    def close(self) -> None:
        if self._is_on and self._event is not None:
            self._write(self._event)
            self._file.write("\n")


def reporter(progress: bool | Progress, total: int | None) -> Reporter | None:
    """Who is told of a stream's progress; None for nobody."""
    if progress is False:
        return None
    return Reporter(bar(total, "batches") if progress is True else progress, total)


def bar(total: int | None, unit: str) -> TqdmBar | ShortBar:
    """A bar on stderr: tqdm's where it is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return ShortBar(sys.stderr, unit)
    return TqdmBar(tqdm, total, unit)


class Countdown:
    """Tells how much of the time for a calibration is spent, in hundredths; a context manager.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> seen = []
    >>> st.plan(st.ReLU(), np.ones((2, 3), "f4"), calibrate=0.01, progress=seen.append).close()
    >>> seen[-1].done, seen[-1].total
    (100, 100)
    """

    def __init__(self, progress: bool | Progress, seconds: float) -> None:
        self._tell: Progress | None = bar(100, "% of calibration") if progress is True else progress or None
        self._seconds = seconds
        self._begin = time.perf_counter()
        self._done = 0

    def __call__(self) -> None:
        """Look at the clock."""
        spent = time.perf_counter() - self._begin
        self._to(min(99, int(100 * spent / self._seconds)) if self._seconds else 99)

    def _to(self, done: int) -> None:
        if self._tell and done > self._done:
            self._done = done
            self._tell(ProgressEvent(done, 100, 0, time.perf_counter() - self._begin))

    def __enter__(self) -> Countdown:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._to(100)
        if isinstance(self._tell, (TqdmBar, ShortBar)):
            self._tell.close()
