"""Samples: the rows that batches are made of and taken apart into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stretto.program import NO_BATCH, Array, Program, sizes_at

__all__ = ["Input", "Output", "inputs_of", "outputs_of", "sizes_up_to"]


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a network, as one sample has it."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    axis: int

    def copied(self, sample: Any) -> Array:
        array = np.asarray(sample)
        if array.dtype != self.dtype and array.dtype.newbyteorder("=") != self.dtype:
            raise TypeError(
                f"serve: {self.name} has the wrong dtype: it is {array.dtype.name}; the network takes {self.dtype.name}"
            )
        if array.shape != self.shape:
            raise ValueError(
                f"serve: {self.name} has the wrong shape: it is {array.shape}; "
                f"a sample, without its batch axis, is {self.shape}"
            )
        return array.astype(self.dtype)


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a network."""

    axis: int

    def row(self, result: Array, sample: int) -> Array:
        """One sample's part, in memory of its own."""
        return np.moveaxis(result, self.axis, 0)[sample, ...].copy()


def inputs_of(program: Program) -> list[Input]:
    """How one sample of each input looks.

    Raises
    ------
    ValueError
        If the network mixes samples, or an input has no batch axis.
    """
    reason = program.why_not_cut()
    if reason is None:
        without = next((i for i in program.inputs if program.values[i].batch == NO_BATCH), None)
        reason = None if without is None else f"the input {program.label(without)} has no batch axis"
    if reason is not None:
        raise ValueError(f"serve: the network cannot run samples of different callers together: {reason}")
    found = []
    for i in program.inputs:
        v = program.values[i]
        shape = list(sizes_at(v.shape, 1))
        del shape[v.batch]
        found.append(Input(program.label(i), np.dtype(v.dtype), tuple(shape), v.batch))
    return found


def outputs_of(program: Program) -> list[Output]:
    """Where the samples lie in each output."""
    return [Output(program.values[i].batch) for i in program.outputs]


def sizes_up_to(most: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, ..., ``most``: a batch filled up to the next one is never more than half as large again."""
    sizes = {most}
    power = 1
    while power < most:
        sizes |= {power, power + power // 2}
        power *= 2
    return sorted(size for size in sizes if size <= most)
