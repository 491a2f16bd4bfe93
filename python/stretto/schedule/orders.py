"""Orders of work: for each worker, the (stage, micro-batch) pairs it runs, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["breadth_first", "depth_first", "in_shares", "shares", "stream"]

Pair = tuple[int, int]


def depth_first(stages: int, micro_batches: int) -> Iterator[list[Pair]]:
    """One worker; each micro-batch goes through all stages before the next begins.

    ::

        worker 0   S0m0 S1m0 S2m0 S0m1 S1m1 S2m1
    """
    yield [(stage, batch) for batch in range(micro_batches) for stage in range(stages)]


def breadth_first(stages: int, micro_batches: int) -> Iterator[list[Pair]]:
    """One worker; each stage takes all micro-batches before the next stage begins.

    ::

        worker 0   S0m0 S0m1 S1m0 S1m1 S2m0 S2m1
    """
    yield [(stage, batch) for stage in range(stages) for batch in range(micro_batches)]


def stream(stages: int, micro_batches: int) -> Iterator[list[Pair]]:
    """A pipeline of inference: worker s runs stage s on every micro-batch, in order.

    ::

        worker 0   m0 m1 m2 m3
        worker 1      m0 m1 m2 m3
        worker 2         m0 m1 m2 m3
    """
    for stage in range(stages):
        yield [(stage, batch) for batch in range(micro_batches)]


def in_shares(stages: int, micro_batches: int, workers: int) -> Iterator[list[Pair]]:
    """Data parallel: each worker takes consecutive micro-batches through all stages.

    ::

        worker 0   S0m0 S1m0 S0m1 S1m1
        worker 1   S0m2 S1m2 S0m3 S1m3
    """
    for begin, count in shares(micro_batches, workers):
        yield [(stage, batch) for batch in range(begin, begin + count) for stage in range(stages)]


def shares(total: int, parts: int) -> Sequence[tuple[int, int]]:
    """(begin, count) of consecutive shares that differ by one at most; fewer than ``parts`` if total is smaller."""
    parts = max(1, min(parts, total))
    small, larger = divmod(total, parts)
    result = []
    begin = 0
    for part in range(parts):
        count = small + (part < larger)
        result.append((begin, count))
        begin += count
    return result
