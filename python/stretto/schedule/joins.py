"""Which values are written where a concat has them, so that it has nothing left to copy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stretto import _core
from stretto.program import Program, Step, Type
from stretto.schedule.views import c_strides, samples_of, view_of

__all__ = ["Joins", "find_joins"]

LEAST_SHARE = 0.5  # of a result: for less of it the whole would be kept from its first part on
# Bytes that lie together in the result. With less than a cache line every step loses by them; with less than a long run
# readers that wait for memory lose more than the one copy costs, but for one reader of half of every row.
SHORT_RUN, LONG_RUN = 64, 1024
BUSY = 4.0  # operations for each byte: who has more does not wait for memory


@dataclass(frozen=True, slots=True)
class Joins:
    """Values that lie in another one, with it and their offset there in bytes; and the concats with no work left."""

    within: dict[int, tuple[int, int]]
    steps: frozenset[int]


def find_joins(program: Program, types: Sequence[Type], *, is_cut: bool) -> Joins:
    """Give the inputs of concats a place in the results, where that saves something.

    A value has one place: of several concats that read it, the last one has it. A concat of neighbours there, as the
    shorter lists of a densely connected network, is a view of them.

    Parameters
    ----------
    program : Program
    types : sequence of (dtype, shape)
        ``program.types(samples)``.
    is_cut : bool
        Whether the plan cuts the batch.

    Examples
    --------
    >>> import stretto as st
    >>> f = lambda x: st.exp(st.concat([st.relu(x), st.tanh(x)], axis=1))
    >>> program = st.trace(f, np.ones((2, 16), "f4"))
    >>> joins = find_joins(program, program.types(2), is_cut=False)
    >>> sorted(joins.within.values()), joins.steps
    ([(3, 0), (3, 64)], frozenset({2}))
    """
    search = _Search(program, types, is_cut)
    for index in reversed(range(len(program.steps))):  # what holds others comes last
        if program.steps[index].op == "concat":
            search.join(index)
    return Joins(search.within, frozenset(search.done))


class _Search:
    """What has a place so far."""

    def __init__(self, program: Program, types: Sequence[Type], is_cut: bool) -> None:
        self.program, self.types, self.is_cut = program, types, is_cut
        self.producers, self.readers = program.producers(), program.readers()
        self.within: dict[int, tuple[int, int]] = {}
        self.done: set[int] = set()

    def join(self, index: int) -> None:
        step = self.program.steps[index]
        whole, inputs = step.outputs[0], [i for i in step.inputs if i is not None]
        first = self.within.get(inputs[0])
        is_movable = first is not None and whole not in self.within and self._is_free(whole, first[0])
        if first is not None and is_movable and self._are_at(step, inputs, *first):
            self.within[whole] = first
            self.done.add(index)
            return
        root, begin = self.within.get(whole, (whole, 0))
        if not self._may_hold(root):
            return
        there = dict(zip(inputs, self._offsets(step, root), strict=True))
        moved = [i for i in there if i not in self.within and i != whole and self._gains(i, step, root)]
        size = self.types[whole][1][self._axis(step)]
        if sum(self.types[i][1][self._axis(step)] for i in moved) < LEAST_SHARE * size:
            return
        for i in moved:
            self.within[i] = (root, begin + there[i])
        if self._are_at(step, inputs, root, begin):
            self.done.add(index)

    def _are_at(self, step: Step, inputs: Sequence[int], root: int, begin: int) -> bool:
        offsets = self._offsets(step, root)
        return all(self.within.get(i) == (root, begin + at) for i, at in zip(inputs, offsets, strict=True))

    def _axis(self, step: Step) -> int:
        return int(dict(step.attributes).get("axis", 0)) % len(self.types[step.outputs[0]][1])

    def _offsets(self, step: Step, root: int) -> list[int]:
        """Where a concat's inputs begin in bytes, when neighbours are as far apart as in ``root``."""
        dtype, shape = self.types[root]
        axis = self._axis(step)
        bytes_of_one = c_strides(shape)[axis] * np.dtype(dtype).itemsize
        offsets, at = [], 0
        for i in step.inputs:
            assert i is not None
            offsets.append(at * bytes_of_one)
            at += self.types[i][1][axis]
        return offsets

    def _may_hold(self, i: int) -> bool:
        """Whether others may lie in a value: a result that is cut has to be in C order."""
        return not (self.is_cut and i in self.program.outputs and self.program.values[i].batch != 0)

    def _is_free(self, i: int, root: int) -> bool:
        """Whether a value could lie in ``root``."""
        is_free = i in self.producers and i not in self.program.outputs and self.types[i][0] == self.types[root][0]
        return is_free and view_of(self.program, self.types, self.producers[i]) is None

    def _gains(self, i: int, step: Step, root: int) -> bool:
        """Whether an input of a concat can lie in ``root``, and its readers do not lose by that what the copy costs."""
        if not self._is_free(i, root):
            return False
        (dtype, shape), axis = self.types[i], self._axis(step)
        run, row = (math.prod(s[axis:]) * np.dtype(dtype).itemsize for s in (shape, self.types[root][1]))
        others = [s for s in self.readers.get(i, ()) if self.program.steps[s].op != "concat"]
        waiting = sum(not self._is_busy(s) for s in others)
        if run < SHORT_RUN or (waiting and run < LONG_RUN and (waiting > 1 or 2 * run < row)):
            return False
        strides = c_strides(self.types[root][1])
        return not any(
            self.program.steps[s].inputs[0] == i
            and view_of(self.program, self.types, s) is not None
            and view_of(self.program, self.types, s, strides) is None
            for s in others
        )

    def _is_busy(self, index: int) -> bool:
        step = self.program.steps[index]
        inputs = [None if i is None else self.types[i] for i in step.inputs]
        operations, moved = _core.op(step.op).cost(inputs, step.attributes_at(samples_of(self.program, self.types)))
        return operations > BUSY * moved
