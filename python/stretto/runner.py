"""Runners: plans opened on this machine, with their threads, packed weights and memory."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from stretto import _core
from stretto.program import NO_BATCH, Array, Changes, Program, Size, Type, sizes_at
from stretto.schedule.arrange import arrange
from stretto.schedule.check import check
from stretto.schedule.choose import Candidate, explain
from stretto.schedule.memory import Layout, lay_out, order_of_steps
from stretto.schedule.plan import Choice, Plan
from stretto.timeline import Timeline, timeline_of

__all__ = ["Runner", "Shop", "bind_inputs"]

KEPT = 8  # batch sizes whose memory stays open


@dataclass(frozen=True, slots=True)
class Opened:
    """A plan for one batch size, in memory."""

    executor: _core.Executor
    types: list[Type]
    contiguous_inputs: frozenset[int]


class Shop:
    """What the runners of one program share: threads, and constants with the weights packed from them."""

    def __init__(self, program: Program, workers: int) -> None:
        self.program = program
        self.workshop = _core.Workshop(max(1, workers))
        self._ids = [i for i, v in enumerate(program.values) if v.origin in ("parameter", "constant")]
        self._arrays: list[Array] = []
        self._seen = -1
        self._constants: _core.Constants | None = None

    def constants(self) -> _core.Constants:
        """The parameters' present arrays; a changed one is packed anew."""
        changes = Changes.count
        if self._constants is not None and changes == self._seen:
            return self._constants
        self._seen = changes
        arrays = [self.program.array(i) for i in self._ids]
        if self._constants is None or any(a is not b for a, b in zip(arrays, self._arrays, strict=True)):
            self._arrays = arrays
            self._constants = _core.Constants(arrays)
        return self._constants


class Runner:
    """A program opened with one choice of schedule. Call it with arrays; any batch size will do.

    Threads are made once and sleep between calls; weights are packed once and again when a parameter changes. Calls
    from several Python threads take turns.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> with st.plan(st.ReLU(), np.ones((2, 3), "f4"), schedule="serial") as runner:
    ...     runner(-np.ones((4, 3), "f4")).shape
    (4, 3)
    """

    def __init__(self, program: Program, choice: Choice, *, _shop: Shop | None = None) -> None:
        self.program = program
        self.choice = choice
        self._shop: Shop | None = _shop or Shop(program, choice.workers)
        self._constants: _core.Constants | None = None
        self._open: OrderedDict[int, Opened] = OrderedDict()
        self._lock = threading.Lock()
        self._explained: tuple[list[Candidate], str] | None = None

    def __call__(self, *arrays: Any) -> Any:
        """Run once; returns what the network returns, as new arrays."""
        results, _ = self._run(arrays, with_timeline=False)
        return results

    def timeline(self, *arrays: Any) -> Timeline:
        """Run once and say what ran when."""
        _, spans = self._run(arrays, with_timeline=True)
        return timeline_of(spans or [], [step.op for step in self.program.steps])

    def stream(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Run on every batch of an iterable, in order; the next one is taken when its result is asked for."""
        for batch in batches:
            yield self(*batch) if isinstance(batch, tuple) else self(batch)

    def peak_bytes(self, samples: int) -> int:
        """Bytes of the arenas for a batch of so many samples; parameters, inputs and results come on top."""
        return self._opened(samples).executor.arena_bytes

    def explain(self, format: str = "text") -> str:
        """Every candidate with its time and memory, which one is run, and why not the others; or the same as JSON."""
        considered, objective = self._explained or ([Candidate(self.choice, verdict="given")], "none")
        return explain(considered, objective, format)

    def plan(self, samples: int) -> Plan:
        """The plan for a batch of so many samples, as data."""
        return arrange(self.program, self._choice_for(samples), samples)

    def close(self) -> None:
        """End the threads and free the memory; a closed runner cannot be called."""
        with self._lock:
            self._open.clear()
            self._constants = None
            self._shop = None

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _choice_for(self, samples: int) -> Choice:
        # An empty batch has nothing to cut.
        return self.choice if samples or self.choice.schedule == "task" else Choice("serial")

    def _opened(self, samples: int) -> Opened:
        with self._lock:
            if self._shop is None:
                raise ValueError("plan: the plan is closed; make a new one with st.plan")
            constants = self._shop.constants()
            if constants is not self._constants:  # a parameter has changed
                self._open.clear()
                self._constants = constants
            if samples in self._open:
                self._open.move_to_end(samples)
                return self._open[samples]
            opened = open_plan(self.program, self.plan(samples), self._shop.workshop, constants)
            self._open[samples] = opened
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
            return opened

    def _run(self, arrays: Sequence[Any], *, with_timeline: bool) -> tuple[Any, Any]:
        inputs, samples = bind_inputs(self.program, arrays)
        opened = self._opened(samples)
        for k in opened.contiguous_inputs:
            inputs[k] = np.ascontiguousarray(inputs[k])
        outputs = [_core.empty(*opened.types[i]) for i in self.program.outputs]
        spans = opened.executor.run(inputs, outputs, with_timeline)
        seen: dict[int, Array] = {}
        for k, i in enumerate(self.program.outputs):
            origin = self.program.values[i].origin
            if origin == "input":
                outputs[k][...] = inputs[self.program.inputs.index(i)]
            elif i in seen:
                outputs[k][...] = seen[i]
            seen.setdefault(i, outputs[k])
        return (tuple(outputs) if self.program.returns_tuple else outputs[0]), spans


@functools.cache
def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(name)


def bind_inputs(program: Program, arrays: Sequence[Any]) -> tuple[list[Array], int]:
    """The call's arrays, checked against the program, and the number of samples."""
    if len(arrays) != len(program.inputs):
        raise TypeError(f"plan: {len(arrays)} arrays given; the network takes {len(program.inputs)}")
    inputs = [a if isinstance(a, np.ndarray) else np.asarray(a) for a in arrays]
    samples: int | None = None
    for array, i in zip(inputs, program.inputs, strict=True):
        v = program.values[i]
        if array.dtype != _dtype(v.dtype) and array.dtype.newbyteorder("=") != _dtype(v.dtype):
            raise TypeError(
                f"plan: {v.name} has the wrong dtype: it is {array.dtype.name}; the network takes {v.dtype}"
            )
        if array.ndim == len(v.shape) and v.batch != NO_BATCH and samples is None:
            samples = array.shape[v.batch]
    samples = program.example_samples if samples is None else samples
    for array, i in zip(inputs, program.inputs, strict=True):
        v = program.values[i]
        if array.shape != sizes_at(v.shape, samples):
            raise ValueError(
                f"plan: {v.name} has the wrong shape: it is {array.shape}; the network takes {v}"
                + (f" with N = {samples}" if any(isinstance(s, Size) for s in v.shape) else "")
            )
    return inputs, samples


def open_plan(program: Program, plan: Plan, workshop: _core.Workshop, constants: _core.Constants) -> Opened:
    """A checked plan, laid out in memory and handed to the executor."""
    check(program, plan)
    order = order_of_steps(plan, len(program.steps))
    is_cut = len(plan.micro_batches) > 1
    sizes = sorted({batch.samples for batch in plan.micro_batches}, reverse=True)
    programs = []
    contiguous: frozenset[int] = frozenset()
    for samples in sizes:
        types = program.types(samples)
        layout = lay_out(program, types, order, is_cut=is_cut)
        contiguous |= layout.contiguous_inputs
        programs.append(lower(program, types, layout, samples))
    description = {
        "stages": [list(stage.steps) for stage in plan.stages],
        "micro_batches": [(sizes.index(b.samples), b.first, b.slot) for b in plan.micro_batches],
        "items": [(i.stage, i.micro_batch, list(i.after)) for i in plan.items],
        "workers": [list(worker) for worker in plan.workers],
        "inputs": [_cut(program, i, is_cut) for i in program.inputs],
        "outputs": [_cut(program, i, is_cut) for i in program.outputs],
        "slots": plan.slots,
        "threads": plan.threads,
    }
    executor = _core.Executor(workshop, constants, programs, description)
    return Opened(executor, program.types(plan.samples), contiguous)


def _cut(program: Program, value: int, is_cut: bool) -> tuple[int, int]:
    """The axis of an array that micro-batches cut, and its elements for each sample."""
    v = program.values[value]
    if not is_cut or v.batch == NO_BATCH:
        return NO_BATCH, 1
    size = v.shape[v.batch]
    return v.batch, size.factor if isinstance(size, Size) else 1


def lower(
    program: Program, types: Sequence[tuple[str, tuple[int, ...]]], layout: Layout, samples: int
) -> tuple[list[Any], list[Any], int]:
    """A Program of known sizes, as the executor takes it."""
    values = [
        (*types[i], place.strides, place.storage, place.index, place.offset, place.is_view)
        for i, place in enumerate(layout.places)
    ]
    steps = [
        (
            step.op,
            step.attributes_at(samples),
            [-1 if i is None else i for i in step.inputs],
            list(step.outputs),
            index in layout.views,
        )
        for index, step in enumerate(program.steps)
    ]
    return values, steps, layout.bytes
