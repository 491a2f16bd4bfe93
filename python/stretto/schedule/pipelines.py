"""Pipelines: where to cut the steps into stages, and the batch into micro-batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from stretto.program import Program
from stretto.schedule import partition
from stretto.schedule.candidate import Candidate, Wanted, cut_or_not, powers, stage_of, whole
from stretto.schedule.cost import CostModel
from stretto.schedule.memory import size_in_bytes
from stretto.schedule.plan import Choice, Stage

__all__ = ["hybrid", "pipeline", "replicated", "stages_ending"]


def pipeline(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """Contiguous stages, one a worker; micro-batches move from one to the next."""
    if not model.program.steps:
        yield Candidate(Choice("pipeline"), verdict="" if wanted.schedule else "no steps to cut into stages")
        return
    choices = []
    for stages in dict.fromkeys(min(workers, len(model.program.steps)) for workers in wanted.counts()):
        if stages > 1 or wanted.schedule:
            choices += _pipelines(model, samples, stages, wanted.inside, "pipeline", wanted)
    yield from cut_or_not(model.program, choices, "one stage: the same as serial", "pipeline", wanted)


def replicated(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """Contiguous stages, the slow ones with several workers that take micro-batches in turn."""
    if not model.program.steps:
        yield Candidate(Choice("replicated"), verdict="" if wanted.schedule else "no steps to cut into stages")
        return
    choices = []
    for workers in wanted.counts():
        for size in _micro_batches(model, samples, workers, wanted)[:2]:
            cost = _stage_cost(model, size, workers, wanted.inside)
            _, ends, replicas = partition.replicated(len(model.program.steps), workers, _not_all(model, cost))
            if 1 < len(ends) < sum(replicas):
                stages = stages_ending(model.program, ends)
                choices.append(Choice("replicated", sum(replicas), wanted.inside, size, stages, (), tuple(replicas)))
    if wanted.schedule is not None and not choices:
        choices = [_evenly_replicated(model, samples, wanted)]
    yield from cut_or_not(
        model.program, choices, "the best pipeline of these replicates no stage", "replicated", wanted
    )


def hybrid(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """A pipeline whose steps have several threads each."""
    if not model.program.steps:
        yield Candidate(Choice("hybrid"), verdict="" if wanted.schedule else "no steps to cut into stages")
        return
    steps = len(model.program.steps)
    if wanted.schedule is not None:
        counts = [min(max(1, wanted.workers // 2), steps)]
    else:
        counts = powers(2, min(wanted.workers // 2, steps))
    choices = []
    for stages in counts:
        choices += _pipelines(model, samples, stages, wanted.threads or wanted.workers // stages, "hybrid", wanted)
    yield from cut_or_not(model.program, choices, "fewer than four threads to share out", "hybrid", wanted)


def _pipelines(
    model: CostModel, samples: int, stages: int, threads: int, schedule: str, wanted: Wanted
) -> list[Choice]:
    found = []
    for size in _micro_batches(model, samples, stages, wanted):
        cost = _stage_cost(model, size, stages, threads)
        in_line = max(stages, -(-samples // size))  # in streams, batches follow one another
        _, ends = partition.finite(len(model.program.steps), stages, cost, in_line)
        found.append(Choice(schedule, stages, threads, size, stages_ending(model.program, ends)))
    return found


def _micro_batches(model: CostModel, samples: int, stages: int, wanted: Wanted) -> list[int]:
    """The size that is best for ``T(m) = (m + p - 1) (c + w / m)``, its half and its double.

    ``m = sqrt((p - 1) w / c)`` for p stages, of which the slowest takes w seconds for the whole batch and c for each
    micro-batch; c is what two sizes of the measured or modelled steps leave over.
    """
    if wanted.micro_batch is not None:
        return [wanted.micro_batch]
    if samples < 2:
        return [1]
    half = max(1, samples // 2)
    whole, halved = (sum(model.step(i, n) for i in range(len(model.program.steps))) for n in (samples, half))
    overhead = max(0.0, (samples * halved - half * whole) / (samples - half)) / stages
    overhead += model.rates.item + model.rates.hand_off
    most = math.sqrt((stages - 1) * whole / stages / overhead)
    best = min(max(1, round(samples / max(most, stages))), samples)
    return sorted({max(1, min(size, -(-samples // 2))) for size in (best // 2, best, 2 * best)})


def _stage_cost(model: CostModel, samples: int, stages: int, threads: int) -> Callable[[int, int], float]:
    """Seconds of a stage of the steps i to j - 1 with what it is handed: not additive, as its weights must fit."""
    count = len(model.program.steps)
    producers = model.program.producers()
    types = model.types(samples)
    last_reader = {value: max(readers) for value, readers in model.program.readers().items() if value in producers}
    crossing = [0.0] * (count + 1)
    for value, reader in last_reader.items():
        for at in range(producers[value] + 1, reader + 1):
            crossing[at] += size_in_bytes(types[value])
    sums: dict[object, list[float]] = {}

    def cost(i: int, j: int) -> float:
        held = model.held(range(i, j), samples, stages, threads=threads)
        if held not in sums:
            times = (model.step(step, samples, threads, held) for step in range(count))
            sums[held] = [0.0, *np.cumsum(list(times)).tolist()]
        handed = model.rates.hand_off + crossing[i] / model.rates.l3 if i else 0.0
        return sums[held][j] - sums[held][i] + model.rates.item + handed

    return cost


def stages_ending(program: Program, ends: Sequence[int]) -> tuple[Stage, ...]:
    """Contiguous stages that end before these steps."""
    begins = [0, *ends[:-1]]
    return tuple(stage_of(program, range(begin, end)) for begin, end in zip(begins, ends, strict=True))


def _not_all(model: CostModel, cost: Callable[[int, int], float]) -> Callable[[int, int], float]:
    """Rules out one stage of all steps, which is data parallelism."""
    count = len(model.program.steps)
    return lambda i, j: math.inf if (i, j) == (0, count) else cost(i, j)


def _evenly_replicated(model: CostModel, samples: int, wanted: Wanted) -> Choice:
    """Two stages, the second with all workers but one: for who asks for it where nothing gains by it."""
    size = _micro_batches(model, samples, 2, wanted)[0]
    count = len(model.program.steps)
    if count < 2 or wanted.workers < 3:
        one = (whole(model.program),)
        return Choice("replicated", wanted.workers, wanted.inside, size, one, (), (wanted.workers,))
    cost = _stage_cost(model, size, 2, wanted.inside)
    _, ends = partition.bottleneck(count, 2, cost)
    replicas = (1, wanted.workers - 1)
    return Choice("replicated", wanted.workers, wanted.inside, size, stages_ending(model.program, ends), (), replicas)
