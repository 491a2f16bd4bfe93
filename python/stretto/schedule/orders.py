"""Orders of work: for each worker, what it runs, one after the other.

The drawings show time from left to right. ``F2`` is the forward pass on micro-batch 2, ``B2`` its input gradient and
``W2`` its weight gradient, all as long as each other; a number before the letter is the stage where a worker has
several. Weight gradients go in the order of the micro-batches, so that every order sums them alike.

What a training order makes each worker wait is given for stages of equal times F, B and W. Papers count B and W as one
backward pass, with which GPipe and 1F1B wait (stages - 1)(F + B + W): here the stage before need not wait for W.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = [
    "Work",
    "breadth_first",
    "depth_first",
    "gpipe",
    "in_shares",
    "interleaved",
    "one_forward_one_backward",
    "replicated",
    "shares",
    "stream",
    "zero_bubble_h1",
]


class Work(NamedTuple):
    """A phase (``"F"``, ``"B"`` or ``"W"``) of a stage on a micro-batch: what a worker does as one.

    Examples
    --------
    >>> Work("F", stage=1, micro_batch=4)
    Work(phase='F', stage=1, micro_batch=4)
    """

    phase: str
    stage: int
    micro_batch: int


def depth_first(stages: int, micro_batches: int) -> Iterator[list[Work]]:
    """One worker; each micro-batch goes through all stages before the next begins.

    ::

        worker 0   0F0 1F0 2F0 0F1 1F1 2F1
    """
    yield [Work("F", stage, batch) for batch in range(micro_batches) for stage in range(stages)]


def breadth_first(stages: int, micro_batches: int) -> Iterator[list[Work]]:
    """One worker; each stage takes all micro-batches before the next stage begins.

    ::

        worker 0   0F0 0F1 1F0 1F1 2F0 2F1
    """
    yield [Work("F", stage, batch) for stage in range(stages) for batch in range(micro_batches)]


def stream(stages: int, micro_batches: int) -> Iterator[list[Work]]:
    """A pipeline of inference: worker s runs stage s on every micro-batch, in order.

    ::

        worker 0   F0 F1 F2 F3
        worker 1      F0 F1 F2 F3
        worker 2         F0 F1 F2 F3
    """
    return replicated([1] * stages, micro_batches)


def replicated(replicas: Sequence[int], micro_batches: int, turn: int = 0) -> Iterator[list[Work]]:
    """A pipeline of inference whose stage s has ``replicas[s]`` workers, which take micro-batches in turn.

    Workers are numbered stage by stage. The ``turn`` is the replica of the first micro-batch, so that a stream of
    batches goes on where the one before left off (PipeDream: Narayanan et al., 2019, "round robin").

    ::

        worker 0   F0 F1 F2 F3            stage 0
        worker 1      F0....F2....        stage 1
        worker 2         F1....F3....     stage 1

    Examples
    --------
    >>> [[work.micro_batch for work in worker] for worker in replicated([1, 2], 4, turn=1)]
    [[0, 1, 2, 3], [1, 3], [0, 2]]
    """
    for stage, count in enumerate(replicas):
        for replica in range(count):
            yield [Work("F", stage, batch) for batch in range((replica - turn) % count, micro_batches, count)]


def in_shares(stages: int, counts: Sequence[int]) -> Iterator[list[Work]]:
    """Data parallel: each worker takes its count of consecutive micro-batches through all stages.

    ::

        worker 0   0F0 1F0 0F1 1F1
        worker 1   0F2 1F2 0F3 1F3
    """
    begin = 0
    for count in counts:
        yield [Work("F", stage, batch) for batch in range(begin, begin + count) for stage in range(stages)]
        begin += count


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


def gpipe(stages: int, micro_batches: int) -> Iterator[list[Work]]:
    """Training, fill and drain: all forward passes, then all backward passes (GPipe: Huang et al., 2019).

    Every stage holds the activations of all micro-batches and waits (stages - 1)(F + B).

    ::

        worker 0   F0 F1 F2 F3             B0 W0 B1 W1 B2 W2 B3 W3
        worker 1      F0 F1 F2 F3       B0 W0 B1 W1 B2 W2 B3 W3
        worker 2         F0 F1 F2 F3 B0 W0 B1 W1 B2 W2 B3 W3
    """
    for stage in range(stages):
        yield _alternate(_phase("F", stage, micro_batches), _phase("B", stage, micro_batches), micro_batches)


def one_forward_one_backward(stages: int, micro_batches: int) -> Iterator[list[Work]]:
    """Training, 1F1B: a forward and a backward pass in turn (PipeDream-flush: Narayanan et al., 2021).

    Stage s holds the activations of ``min(micro_batches, stages - s)`` micro-batches and waits (stages - 1)(F + B).

    ::

        worker 0   F0 F1 F2       B0 W0 F3 B1 W1    B2 W2    B3 W3
        worker 1      F0 F1    B0 W0 F2 B1 W1 F3 B2 W2    B3 W3
        worker 2         F0 B0 W0 F1 B1 W1 F2 B2 W2 F3 B3 W3
    """
    for stage in range(stages):
        yield _alternate(_phase("F", stage, micro_batches), _phase("B", stage, micro_batches), stages - stage - 1)


def interleaved(stages: int, micro_batches: int, chunks: int) -> Iterator[list[Work]]:
    """Training, interleaved 1F1B: each worker has several chunks of the network (Megatron-LM: Narayanan et al., 2021).

    Worker w of ``stages`` runs the stages w, stages + w, 2 stages + w ...: ``chunks`` of them. With W as part of B it
    waits (stages - 1)(F + B) of a chunk, which is as many times less than 1F1B, for as many times the hand-offs.
    Worker 0 holds the activations of stages * chunks + stages - 1 chunks.

    ::

        worker 0   0F0 0F1 2F0 2F1     2B0 2W0     2B1 2W1 0B0 0W0 0B1 0W1
        worker 1       1F0 1F1 3F0 3B0 3W0 3F1 3B1 3W1 1B0 1W0 1B1 1W1

    Raises
    ------
    ValueError
        If ``stages`` does not divide ``micro_batches``, or there are fewer than two chunks.
    """
    if micro_batches % stages:
        raise ValueError(
            f"interleaved: {micro_batches} micro-batches on {stages} workers: "
            "the workers take turns, so their number must divide that of the micro-batches"
        )
    if chunks < 2:
        raise ValueError(f"interleaved: chunks is out of range: {chunks}; with one, take one_forward_one_backward")
    # All workers go through `stages` micro-batches chunk by chunk before the next `stages` micro-batches.
    turns = [
        (chunk, batch)
        for first in range(0, micro_batches, stages)
        for chunk in range(chunks)
        for batch in range(first, first + stages)
    ]
    last = chunks - 1
    return (
        _alternate(
            [Work("F", chunk * stages + worker, batch) for chunk, batch in turns],
            [Work("B", (last - chunk) * stages + worker, batch) for chunk, batch in turns],
            2 * (stages - worker - 1) + last * stages,
        )
        for worker in range(stages)
    )


def zero_bubble_h1(stages: int, micro_batches: int) -> Iterator[list[Work]]:
    """Training, ZB-H1: 1F1B whose weight gradients fill the waits (Zero Bubble Pipeline Parallelism: Qi et al., 2024).

    Stage s puts off its weight gradients by s micro-batches. All stages hold ``min(micro_batches, stages)`` and wait
    (stages - 1)(F + B - W), if W is no longer than F and B and ``micro_batches`` no fewer than ``stages``.

    ::

        worker 0   F0 F1 F2       B0 W0 F3 B1 W1 B2 W2 B3 W3
        worker 1      F0 F1    B0 F2 B1 W0 F3 B2 W1 B3 W2 W3
        worker 2         F0 B0 F1 B1 F2 B2 W0 F3 B3 W1 W2 W3
    """
    for stage in range(stages):
        forward, backward = _phase("F", stage, micro_batches), _phase("B", stage, micro_batches)
        yield _alternate(forward, backward, stages - stage - 1, delay=stage)


def _phase(phase: str, stage: int, micro_batches: int) -> list[Work]:
    return [Work(phase, stage, batch) for batch in range(micro_batches)]


def _alternate(forward: Sequence[Work], backward: Sequence[Work], warm_up: int, delay: int = 0) -> list[Work]:
    """``warm_up`` forwards, then forward and backward in turn; weight gradients follow ``delay`` backwards behind."""
    weight = [work._replace(phase="W") for work in backward]
    order = list(forward[:warm_up])
    for i, work in enumerate(backward):
        order += forward[warm_up + i : warm_up + i + 1]
        order.append(work)
        if i >= delay:
            order.append(weight[i - delay])
    return order + weight[max(0, len(weight) - delay) :]
