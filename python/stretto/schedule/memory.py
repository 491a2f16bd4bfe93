"""Where every value of a Program lies while it runs.

Two values share bytes only if the plan's partial order puts every reader of one before the writer of the other. Views
extend their root's life, and so do the inputs of a concat that are written where it has them; results given to the user
are never in an arena.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stretto.program import Program, Type
from stretto.schedule.joins import find_joins
from stretto.schedule.plan import Plan
from stretto.schedule.views import c_strides, view_of

__all__ = ["Layout", "Place", "arena_bytes", "lay_out", "order_of_steps"]

ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Storage ("arena", "input", "output" or "constant"), which one, offset in bytes, strides in elements."""

    storage: str
    index: int
    offset: int
    strides: tuple[int, ...]
    is_view: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A place for every value, the steps that are mere views, and the bytes of one slot's arena."""

    places: tuple[Place, ...]
    views: frozenset[int]
    bytes: int
    contiguous_inputs: frozenset[int]  # inputs that are viewed, which must be in C order


def size_in_bytes(value_type: Type) -> int:
    """Bytes of a value in C order."""
    dtype, shape = value_type
    return math.prod(shape) * np.dtype(dtype).itemsize


def order_of_steps(plan: Plan, steps: int) -> list[int]:
    """For each step, as a bit set, the steps of the same micro-batch that have finished when it starts."""
    finished = _stages_finished_before(plan)
    parts_of = [0] * steps  # the stages that make each step, as a bit set
    for number, stage in enumerate(plan.stages):
        for step in stage.steps:
            parts_of[step] |= 1 << number
    result = [(1 << steps) - 1] * steps
    for stage, before in zip(plan.stages, finished, strict=True):
        bits = sum(1 << step for step, parts in enumerate(parts_of) if parts and not parts & ~before)
        for step in stage.steps:
            result[step] &= bits
            bits |= 1 << step
    return result


def _stages_finished_before(plan: Plan) -> list[int]:
    """For each stage, as a bit set, the stages that have finished with a micro-batch when it begins with it."""
    earlier: list[list[int]] = [
        [i for i in item.after if plan.items[i].micro_batch == item.micro_batch] for item in plan.items
    ]
    for worker in plan.workers:
        last: dict[int, int] = {}
        for number in worker:
            batch = plan.items[number].micro_batch
            if batch in last:
                earlier[number].append(last[batch])
            last[batch] = number
    before: dict[int, int] = {}
    for number in range(len(plan.items)):
        stack = [number]
        while stack:
            missing = [i for i in earlier[stack[-1]] if i not in before]
            stack.extend(missing)
            if not missing:
                top = stack.pop()
                before[top] = 0
                for i in earlier[top]:
                    before[top] |= before[i] | 1 << plan.items[i].stage
    result = [(1 << len(plan.stages)) - 1] * len(plan.stages)
    for number, item in enumerate(plan.items):
        result[item.stage] &= before[number]
    return result


def lay_out(program: Program, types: Sequence[Type], order: Sequence[int], *, is_cut: bool) -> Layout:
    """Give every value a place, for the types of one micro-batch.

    Parameters
    ----------
    program : Program
    types : sequence of (dtype, shape)
        ``program.types(samples)`` of the micro-batch.
    order : sequence of int
        What :func:`order_of_steps` says of the plan.
    is_cut : bool
        Whether the plan cuts the batch.
    """
    places: list[Place | None] = [None] * len(types)
    contiguous: set[int] = set()
    number_of_constants = 0
    for i, v in enumerate(program.values):
        if v.origin == "input":
            places[i] = Place("input", program.inputs.index(i), 0, c_strides(types[i][1]))
        elif v.origin != "step":
            places[i] = Place("constant", number_of_constants, 0, c_strides(types[i][1]))
            number_of_constants += 1
    results: dict[int, int] = {}
    for k, i in enumerate(program.outputs):
        if program.values[i].origin == "step":
            results.setdefault(i, k)
    joins = find_joins(program, types, is_cut=is_cut)
    root = [joins.within.get(i, (i, 0))[0] for i in range(len(types))]
    done = set(joins.steps)
    for index, step in enumerate(program.steps):
        for i in step.outputs:
            into, offset = joins.within.get(i, (i, 0))
            storage, number = ("output", results[into]) if into in results else ("arena", 0)
            places[i] = Place(storage, number, offset, c_strides(types[into][1]), into != i)
        source = step.inputs[0] if step.inputs else None
        if source is None or index in done or any(i in results for i in step.outputs):
            continue
        origin = places[source]
        assert origin is not None
        if origin.storage in ("input", "output") and is_cut and program.values[root[source]].batch != 0:
            continue  # a micro-batch of it is not in C order
        seen = view_of(program, types, index, origin.strides)
        if seen is None:
            continue
        done.add(index)
        if origin.storage == "input":
            contiguous.add(origin.index)
        for i, (offset, strides) in zip(step.outputs, seen, strict=True):
            places[i] = Place(origin.storage, origin.index, origin.offset + offset, strides, True)
            root[i] = root[source]

    offsets, total = _pack(program, types, order, places, root)
    final = []
    for i, place in enumerate(places):
        assert place is not None
        if place.storage == "arena":
            place = Place("arena", 0, offsets[root[i]] + place.offset, place.strides, place.is_view)
        final.append(place)
    return Layout(tuple(final), frozenset(done), total, frozenset(contiguous))


def arena_bytes(program: Program, plan: Plan) -> int:
    """Bytes of all arenas of a plan."""
    order = order_of_steps(plan, len(program.steps))
    is_cut = len(plan.micro_batches) > 1
    sizes = {batch.samples for batch in plan.micro_batches}
    slot = max(lay_out(program, program.types(samples), order, is_cut=is_cut).bytes for samples in sizes)
    return plan.slots * slot


def _pack(
    program: Program, types: Sequence[Type], order: Sequence[int], places: Sequence[Place | None], root: Sequence[int]
) -> tuple[dict[int, int], int]:
    """Offsets of the arena's roots: the largest first, each at the lowest offset that is free during its life."""
    touched: dict[int, int] = {}  # every step that writes or reads a root or what lies in it, as a bit set
    before: dict[int, int] = {}  # and those that have finished before any of them starts
    for index, step in enumerate(program.steps):
        for i in (*step.inputs, *step.outputs):
            if i is not None:
                touched[root[i]] = touched.get(root[i], 0) | 1 << index
                before[root[i]] = before.get(root[i], order[index]) & order[index]
    roots = [i for i in touched if (place := places[i]) is not None and place.storage == "arena"]
    roots.sort(key=lambda i: -size_in_bytes(types[i]))
    offsets: dict[int, int] = {}
    total = 0
    placed: list[tuple[int, int, int]] = []  # (begin, end, root), by begin
    for i in roots:
        size = -(-max(size_in_bytes(types[i]), 1) // ALIGNMENT) * ALIGNMENT
        offset = 0
        for begin, end, other in placed:
            apart = not touched[other] & ~before[i] or not touched[i] & ~before[other]
            if apart or end <= offset:
                continue
            if begin >= offset + size:
                break
            offset = end
        offsets[i] = offset
        placed.append((offset, offset + size, i))
        placed.sort()
        total = max(total, offset + size)
    return offsets, total
