"""Every way to run a Program on a machine: one generator a schedule, the simpler first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from stretto.schedule import branches
from stretto.schedule.candidate import Candidate, Wanted, cut_or_not, powers, whole
from stretto.schedule.cost import CostModel
from stretto.schedule.devices import on_gpus
from stretto.schedule.pipelines import hybrid, pipeline, replicated
from stretto.schedule.plan import Choice
from stretto.schedule.tensor import RULES, split

__all__ = ["GENERATORS", "SCHEDULES", "candidates"]


def candidates(model: CostModel, samples: int, wanted: Wanted) -> list[Candidate]:
    """Every choice worth a prediction, and those ruled out, with the reason as their verdict."""
    names = SCHEDULES if wanted.schedule is None else (wanted.schedule,)
    found: dict[Choice, Candidate] = {}
    for name in names:
        for candidate in GENERATORS[name](model, samples, wanted):
            found.setdefault(candidate.choice, candidate)
        for choice, verdict in on_gpus(model, samples, name):
            found.setdefault(choice, Candidate(choice, verdict=verdict))
    return list(found.values())


def serial(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """One worker, the batch whole or in the user's micro-batches."""
    yield Candidate(Choice("serial", threads=wanted.inside, micro_batch=wanted.micro_batch))


def depth_first(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """One worker takes slices of the batch through all steps, so that activations stay in its own cache.

    ``slice = 0.5 L2 / (bytes that the widest step reads and writes for a sample)``, its half and its double.
    """
    choices = [Choice("depth_first", 1, wanted.inside, size) for size in _slices(model, samples, wanted)]
    yield from cut_or_not(model.program, choices, "one slice: the same as serial", "depth_first", wanted)


def _slices(model: CostModel, samples: int, wanted: Wanted) -> list[int]:
    if wanted.micro_batch is not None:
        return [wanted.micro_batch]
    widest = max((work.activations for work in model.works(max(1, samples))), default=0.0) / max(1, samples)
    fits = int(0.5 * model.machine.l2 * wanted.inside / widest) if widest else samples
    sizes = sorted({max(1, size) for size in (fits // 2, fits, 2 * fits) if max(1, size) < samples})
    return sizes or ([max(1, samples)] if wanted.schedule else [])


def intra(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """One worker, several threads inside each step."""
    counts = [wanted.threads] if wanted.threads else wanted.counts()
    for threads in counts:
        yield Candidate(Choice("intra", threads=threads, micro_batch=wanted.micro_batch))
    if not counts:
        yield Candidate(Choice("intra"), verdict="one thread: the same as serial")


def data(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """The batch in shares, one a worker; and the same with each share in slices that stay in the cache."""
    choices = []
    for workers in wanted.counts():
        choices.append(Choice("data", workers, wanted.inside, wanted.micro_batch))
        if wanted.micro_batch is None and wanted.schedule is None:
            share = -(-samples // workers)
            choices += [Choice("data", workers, wanted.inside, size) for size in _slices(model, share, wanted)[-2:]]
    yield from cut_or_not(model.program, choices, "one worker: the same as serial", "data", wanted)


def streams(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """The batch in shares, each by a worker that has several threads inside its steps."""
    if wanted.schedule is not None:
        workers = max(1, wanted.workers // 2)
        choices = [Choice("streams", workers, wanted.threads or wanted.workers // workers, wanted.micro_batch)]
    else:
        choices = [
            Choice("streams", workers, threads, wanted.micro_batch)
            for workers in powers(2, wanted.workers // 2)
            for threads in ([wanted.threads] if wanted.threads else powers(2, wanted.workers // workers))
            if workers * threads <= wanted.workers
        ]
    yield from cut_or_not(model.program, choices, "fewer than four threads to share out", "streams", wanted)


def task(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """Independent branches at once, placed by critical path."""
    stages = branches.chains(model.program)
    none = Choice("task", 1, wanted.inside, stages=stages)
    if wanted.micro_batch is not None:
        yield Candidate(none, verdict="task takes the batch whole: micro_batch is given")
        return
    if not branches.any_independent(model.program, stages):
        yield Candidate(none, verdict="no two of its branches are independent")
        return
    times = [model.step(i, samples, wanted.inside) for i in range(len(model.program.steps))]
    for workers in wanted.counts():
        placement = branches.place(model.program, stages, times, workers, model.rates.hand_off)
        verdict = "" if len(placement) > 1 or wanted.schedule else "no branch is worth a hand-off"
        yield Candidate(Choice("task", len(placement), wanted.inside, None, stages, placement), verdict=verdict)
    if not wanted.counts():
        yield Candidate(none, verdict="one worker: the same as serial")


def tensor(model: CostModel, samples: int, wanted: Wanted) -> Iterator[Candidate]:
    """The output channels of the big steps in shares, one a worker; the first worker runs the rest."""
    for workers, rule in product(wanted.counts(), RULES):
        stages, placement = split(model, samples, workers, wanted.inside, rule, force=wanted.schedule is not None)
        choice = Choice("tensor", len(placement), wanted.inside, wanted.micro_batch, stages, placement)
        runs = len(placement) > 1 or (wanted.schedule and wanted.workers == 1)
        verdict = "" if runs else "no step is worth splitting by its channels"
        if wanted.micro_batch is not None:
            verdict = verdict or "tensor takes the batch whole: micro_batch is given"
        yield Candidate(choice, verdict=verdict)
    if not wanted.counts():
        yield Candidate(Choice("tensor", stages=(whole(model.program),)), verdict="one worker: the same as serial")


GENERATORS: dict[str, Callable[[CostModel, int, Wanted], Iterator[Candidate]]] = {
    "serial": serial,
    "depth_first": depth_first,
    "intra": intra,
    "data": data,
    "streams": streams,
    "task": task,
    "tensor": tensor,
    "pipeline": pipeline,
    "replicated": replicated,
    "hybrid": hybrid,
}
SCHEDULES = tuple(GENERATORS)  # the simpler first
