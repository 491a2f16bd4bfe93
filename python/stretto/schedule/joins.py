"""Which values are written where a concat has them, so that it has nothing left to copy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stretto.program import Program, Step, Type

__all__ = ["Joins", "find_joins"]


@dataclass(frozen=True, slots=True)
class Joins:
    """Values that lie in another one, with it and their offset there in bytes; and the concats with no work left."""

    within: dict[int, tuple[int, int]]
    steps: frozenset[int]


def find_joins(
    program: Program, types: Sequence[Type], may_move: Callable[[int], bool], may_hold: Callable[[int], bool]
) -> Joins:
    """Give the inputs of every concat a place in its result.

    A value has one place: of several concats that read it, the last one has it. A concat of neighbours there, as the
    shorter lists of a densely connected network, is a view of them.

    Parameters
    ----------
    program : Program
    types : sequence of (dtype, shape)
        ``program.types(samples)``.
    may_move, may_hold : callable
        Whether a value's place is free to choose, and whether others may lie in it.

    Examples
    --------
    >>> import stretto as st
    >>> program = st.trace(lambda x: st.exp(st.concat([st.relu(x), st.tanh(x)], axis=1)), np.ones((2, 3), "f4"))
    >>> joins = find_joins(program, program.types(2), lambda i: program.values[i].origin == "step", lambda i: True)
    >>> sorted(joins.within.values()), joins.steps
    ([(3, 0), (3, 12)], frozenset({2}))
    """
    within: dict[int, tuple[int, int]] = {}
    done: set[int] = set()
    for index, step in reversed(list(enumerate(program.steps))):  # what holds others comes last
        if step.op != "concat":
            continue
        whole = step.outputs[0]
        offsets = _offsets(step, types, within.get(whole, (whole, 0))[0])
        inputs = [i for i in step.inputs if i is not None]
        first = within.get(inputs[0])
        if whole not in within and first is not None and may_move(whole) and types[whole][0] == types[inputs[0]][0]:
            there = _offsets(step, types, first[0])
            if all(within.get(i) == (first[0], first[1] + at) for i, at in zip(inputs, there, strict=True)):
                within[whole] = first
                done.add(index)
                continue
        root, begin = within.get(whole, (whole, 0))
        if not may_hold(root):
            continue
        for i, at in zip(inputs, offsets, strict=True):
            if i not in within and i != whole and may_move(i) and types[i][0] == types[whole][0]:
                within[i] = (root, begin + at)
        if all(within.get(i) == (root, begin + at) for i, at in zip(inputs, offsets, strict=True)):
            done.add(index)
    return Joins(within, frozenset(done))


def _offsets(step: Step, types: Sequence[Type], root: int) -> list[int]:
    """Where a concat's inputs begin in bytes, when neighbours are as far apart as in ``root``."""
    dtype, shape = types[root]
    axis = int(dict(step.attributes).get("axis", 0)) % len(shape)
    bytes_of_one = math.prod(shape[axis + 1 :]) * np.dtype(dtype).itemsize
    offsets, at = [], 0
    for i in step.inputs:
        assert i is not None
        offsets.append(at * bytes_of_one)
        at += types[i][1][axis]
    return offsets
