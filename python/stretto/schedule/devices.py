"""Whole networks, shares of the batch and stages on GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stretto.program import Program, Type
from stretto.schedule import partition
from stretto.schedule.cost import CostModel
from stretto.schedule.memory import size_in_bytes
from stretto.schedule.plan import Choice, Stage

__all__ = ["boundary_bytes", "gpu_step", "on_gpus"]

FILLS = 0.9  # of a GPU's memory
MICRO_BATCHES = 4  # for each GPU of a pipeline


def gpu_step(model: CostModel, index: int, samples: int) -> float:
    """Seconds of a step on one GPU: the roofline, and the launch."""
    work, rates = model.works(samples)[index], model.rates
    moved = work.weights + work.activations
    if not (work.flops or moved):
        return 0.0
    return max(work.flops / rates.gpu_flops, moved / rates.gpu_memory) + rates.gpu_call


def boundary_bytes(program: Program, types: Sequence[Type], steps: Sequence[int]) -> float:
    """Bytes that pass the link for a stage: inputs, results, and what other stages write or read."""
    inside = set(steps)
    producers, readers = program.producers(), program.readers()
    handed = {
        i
        for step in steps
        for i in program.steps[step].inputs
        if i is not None
        and program.values[i].origin not in ("parameter", "constant")
        and producers.get(i) not in inside
    }
    given = {
        i
        for step in steps
        for i in program.steps[step].outputs
        if i in program.outputs or not inside.issuperset(readers.get(i, ()))
    }
    return float(sum(size_in_bytes(types[i]) for i in handed | given))


def on_gpus(model: CostModel, samples: int, schedule: str) -> Iterator[tuple[Choice, str]]:
    """Choices of a schedule on the machine's GPUs, each with what speaks against it."""
    gpus = model.machine.gpus
    if not gpus:
        return
    weights = [work.weights for work in model.works(max(1, samples))]
    room = FILLS * model.machine.gpu_memory
    too_big = f"its weights take {sum(weights):.3g} bytes; one GPU has room for {room:.3g}"
    uncut = model.program.why_not_cut() or ""
    if schedule == "serial":
        yield Choice("serial", devices=("gpu:0",)), too_big if sum(weights) > room else ""
    if schedule == "data" and gpus > 1:
        names = tuple(f"gpu:{g}" for g in range(gpus))
        yield Choice("data", gpus, devices=names), too_big if sum(weights) > room else uncut
    if schedule == "pipeline" and 1 < gpus <= len(weights):
        size = max(1, samples // (MICRO_BATCHES * gpus))
        types = model.types(size)

        def cost(i: int, j: int) -> float:
            if sum(weights[i:j]) > room:
                return float("inf")
            handed = boundary_bytes(model.program, types, range(i, j)) / model.rates.link
            return sum(gpu_step(model, step, size) for step in range(i, j)) + handed

        slowest, ends = partition.bottleneck(len(weights), gpus, cost)
        begins = [0, *ends[:-1]]
        stages = tuple(Stage(f"gpu:{g}", tuple(range(i, j))) for g, (i, j) in enumerate(zip(begins, ends, strict=True)))
        verdict = uncut or (too_big if slowest == float("inf") else "")
        yield Choice("pipeline", gpus, 1, size, stages, devices=tuple(f"gpu:{g}" for g in range(gpus))), verdict
