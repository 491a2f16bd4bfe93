"""Tensor parallelism: the output channels of the big steps in shares, one a worker."""

from __future__ import annotations

from collections.abc import Sequence

from stretto import _core
from stretto.program import Program, Type
from stretto.schedule.candidate import stage_of
from stretto.schedule.cost import CostModel
from stretto.schedule.plan import Stage

__all__ = ["RULES", "channels_of", "split"]

# Channels for each worker, and how much longer than the whole a part may take as predicted. The bold rule is for
# measurement to judge: tiles whose lanes are positions need fewer channels, and a part's weights may fit its cache.
CAUTIOUS, BOLD = RULES = (16, 1.0), (8, 1.2)


def channels_of(program: Program, types: Sequence[Type], index: int, samples: int) -> int:
    """How many output channels of a step can be made apart, each from its own part of the weight; 0 if none."""
    step = program.steps[index]
    inputs = [None if i is None else types[i] for i in step.inputs]
    axes = _core.op(step.op).channel_axes(inputs, step.attributes_at(samples))
    return 0 if axes is None else types[step.outputs[0]][1][axes[-1]]


def split(
    model: CostModel,
    samples: int,
    workers: int,
    threads: int,
    rule: tuple[int, float] = CAUTIOUS,
    *,
    force: bool = False,
) -> tuple[tuple[Stage, ...], tuple[tuple[int, ...], ...]]:
    """Stages and each worker's list of them: big steps in parts, the runs between them whole on the first worker.

    A step is big when its parts, one after a hand-off, end before the whole would; all that can be split are with
    ``force``. (The column split of Megatron-LM, Shoeybi et al. 2019, for every op that has output channels.)
    """
    least_channels, slack = rule
    program = model.program
    types = model.types(samples)
    stages: list[Stage] = []
    lists: list[list[int]] = [[] for _ in range(workers)]
    run: list[int] = []

    def end_run() -> None:
        if run:
            lists[0].append(len(stages))
            stages.append(stage_of(program, run))
            run.clear()

    for index, step in enumerate(program.steps):
        whole = model.step(index, samples, threads)
        part = model.step(index, samples, threads, shares=workers) + 2 * model.rates.hand_off
        channels = channels_of(program, types, index, samples)
        if channels < workers * (1 if force else least_channels) or not (force or part < slack * whole):
            run.append(index)
            continue
        end_run()
        for worker in range(workers):
            lists[worker].append(len(stages))
            stages.append(Stage(f"{step.op} {worker + 1}/{workers}", (index,), (worker, workers)))
    end_run()
    return tuple(stages), tuple(tuple(stages_) for stages_ in lists if stages_)
