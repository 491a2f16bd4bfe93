"""Steps that need not run, because their results are views of their first input."""

from __future__ import annotations

from collections.abc import Sequence

from stretto import _core
from stretto.program import Program, Type

__all__ = ["c_strides", "samples_of", "view_of"]


def c_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """C-order strides in elements."""
    strides = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * shape[i + 1]
    return tuple(strides)


def view_of(
    program: Program, types: Sequence[Type], index: int, strides: Sequence[int] | None = None
) -> list[tuple[int, tuple[int, ...]]] | None:
    """(offset, strides) of a step's outputs in its first input, which has these strides; None if it has to run."""
    step = program.steps[index]
    if not step.inputs or step.inputs[0] is None:
        return None
    operands = [None if i is None else types[i] for i in step.inputs]
    strides = c_strides(types[step.inputs[0]][1]) if strides is None else strides
    return _core.viewed(_core.op(step.op), operands, step.attributes_at(samples_of(program, types)), strides)


def samples_of(program: Program, types: Sequence[Type]) -> int:
    """The batch size that the types are of."""
    for i in program.inputs:
        if program.values[i].batch >= 0:
            return types[i][1][program.values[i].batch]
    return program.example_samples
