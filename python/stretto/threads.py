"""How many threads the calls of this thread may use."""

from __future__ import annotations

import operator
from types import TracebackType

from stretto import _core

MOST_THREADS = 4096


class limit_threads:
    """A context in which calls on this Python thread use at most so many threads.

    It is the default that ``threads=`` overrides, holds for the Python thread that entered it only, and goes before
    ``STRETTO_NUM_THREADS`` and ``OMP_NUM_THREADS``. Contexts nest; the number never changes a result.

    Parameters
    ----------
    n : int
        1 to 4096.

    Raises
    ------
    TypeError
        If ``n`` is not an integer.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> with st.limit_threads(1):
    ...     st.matmul(np.ones((2, 3)), np.ones((3, 2))).shape
    (2, 2)
    """

    def __init__(self, n: int) -> None:
        if isinstance(n, bool):
            raise TypeError(f"limit_threads: n is of the wrong kind: {n!r}; it must be a positive integer")
        try:
            self.n = operator.index(n)
        except TypeError:
            raise TypeError(f"limit_threads: n is of the wrong kind: {n!r}; it must be a positive integer") from None
        if not 1 <= self.n <= MOST_THREADS:
            raise ValueError(f"limit_threads: n is out of range: {self.n}; it must be 1 to {MOST_THREADS}")
        self._before: list[int] = []

    def __enter__(self) -> limit_threads:
        self._before.append(_core.set_thread_limit(self.n))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _core.set_thread_limit(self._before.pop())
