"""Opening plans: from a Choice and a batch size to memory that the executor can run."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from stretto import _core
from stretto.cuda import on_gpu
from stretto.program import NO_BATCH, Array, Changes, Program, Size, Type
from stretto.schedule.arrange import arrange
from stretto.schedule.check import check
from stretto.schedule.memory import Layout, lay_out, order_of_steps
from stretto.schedule.plan import Choice, Plan

__all__ = ["Openings", "Shop", "open_plan"]

KEPT = 8  # batch sizes whose memory stays open
Opened = TypeVar("Opened")


class Shop:
    """What the runners of one program share: threads, and constants with the weights packed from them."""

    def __init__(self, program: Program, workers: int) -> None:
        self.program = program
        self.workshop = _core.Workshop(max(1, workers))
        self._ids = [i for i, v in enumerate(program.values) if v.origin in ("parameter", "constant")]
        # The arrays, and what was made of them by GPU (None: of the host): one assignment changes both, so that
        # another thread never sees new ones beside old ones.
        self._present: tuple[list[Array], dict[int | None, _core.Constants]] = ([], {})
        self._seen = -1

    def constants(self, gpu: int | None = None) -> _core.Constants:
        """The parameters' present arrays; a changed one is packed, or copied to the GPU, anew."""
        changes = Changes.count
        if changes != self._seen:
            arrays, known = [self.program.array(i) for i in self._ids], self._present[0]
            if len(arrays) != len(known) or any(a is not b for a, b in zip(arrays, known, strict=True)):
                self._present = arrays, {}
            self._seen = changes
        arrays, constants = self._present
        found = constants.get(gpu)
        if found is None:
            found = constants[gpu] = self._placed(arrays, gpu)
        return found

    def _placed(self, arrays: list[Array], gpu: int | None) -> _core.Constants:
        if gpu is not None:
            return _core.Constants(on_gpu(arrays, gpu), gpu)
        for i, array in zip(self._ids, arrays, strict=True):
            if not isinstance(array, np.ndarray):
                name = self.program.values[i].name or "an array that the network captured"
                raise TypeError(
                    f"plan: {name} is on a GPU, the inputs are in host memory; "
                    "move the layer's parameters with to_host, or the inputs with cupy.asarray"
                )
        return _core.Constants(arrays)

    def forget_constants(self) -> None:
        """Pack them anew when they are next asked for."""
        arrays, constants = self._present
        _left_behind.append(constants)
        self._present = arrays, {}


class Openings(Generic[Opened]):
    """One choice's plans for the batch sizes last used, in memory; ``open`` makes of a plan what is kept.

    ``turn`` says which replica of a stage begins, ``gpu`` where the constants are: None for the host.
    """

    def __init__(
        self,
        shop: Shop,
        choice: Choice,
        open: Callable[[_core.Score], Opened],
        turn: int = 0,
        gpu: int | None = None,
    ) -> None:
        self.choice = choice
        self._turn = turn
        self._gpu = gpu
        self._shop: Shop | None = shop
        self._program = shop.program
        self._make = open
        self._constants: _core.Constants | None = None
        self._kept: OrderedDict[int, Opened] = OrderedDict()
        self._last: tuple[int, int, Opened] | None = None  # changes seen, samples, and what is kept for them
        self._lock = threading.Lock()
        _openings.add(self)

    def get(self, samples: int) -> Opened:
        """What is open for a batch of so many samples."""
        last = self._last
        if last is not None and last[0] == Changes.count and last[1] == samples:
            return last[2]
        with self._lock:
            if self._shop is None:
                raise ValueError("plan: the plan is closed; make a new one with st.plan")
            changes = Changes.count
            constants = self._shop.constants(self._gpu)
            if constants is not self._constants:  # a parameter has changed
                self._kept.clear()
                self._constants = constants
            if samples in self._kept:
                self._kept.move_to_end(samples)
            else:
                self._kept[samples] = self._make(open_plan(self._program, self.plan(samples), constants))
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            opened = self._kept[samples]
            self._last = (changes, samples, opened)
            return opened

    def plan(self, samples: int) -> Plan:
        """The plan for a batch of so many samples."""
        # An empty batch has nothing to cut.
        is_whole = self.choice.plan is not None or self.choice.schedule in ("task", "tensor")
        choice = self.choice if samples or is_whole else Choice("serial")
        return arrange(self._program, choice, samples, self._turn)

    def close(self) -> None:
        """Free the memory."""
        with self._lock:
            self._last = self._constants = self._shop = None
            self._kept.clear()

    def renew_after_fork(self) -> None:
        """In a forked child: nobody else is here, whoever held the lock."""
        if self._lock.locked():
            self._last = self._constants = None
            self._kept.clear()
            if self._shop is not None:
                self._shop.forget_constants()
        self._lock = threading.Lock()


_openings: weakref.WeakSet[Openings[Any]] = weakref.WeakSet()
_left_behind: list[Any] = []  # what a thread that a forked child does not have was changing


def _renew_after_fork() -> None:
    for openings in list(_openings):
        openings.renew_after_fork()


os.register_at_fork(after_in_child=_renew_after_fork)


def open_plan(program: Program, plan: Plan, constants: _core.Constants) -> _core.Score:
    """A checked plan, laid out in memory, as the executor takes it."""
    check(program, plan)
    _refuse_what_cannot_run_yet(plan)
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
    types = program.types(plan.samples)
    description = {
        "stages": [(list(stage.steps), *stage.part) for stage in plan.stages],
        "micro_batches": [(sizes.index(b.samples), b.first, b.slot) for b in plan.micro_batches],
        "items": [(i.stage, i.micro_batch, list(i.after)) for i in plan.items],
        "workers": [list(worker) for worker in plan.workers],
        "inputs": [_cut(program, i, is_cut) for i in program.inputs],
        "outputs": [_cut(program, i, is_cut) for i in program.outputs],
        "slots": plan.slots,
        "threads": plan.threads,
        "results": [types[i] for i in program.outputs],
        "contiguous": sorted(contiguous),
        "echoes": _echoes(program),
        "returns_tuple": program.returns_tuple,
    }
    return _core.Score(constants, programs, description)


def _refuse_what_cannot_run_yet(plan: Plan) -> None:
    device = next((device for device in plan.devices if device != "cpu"), None)
    if device is not None:
        raise NotImplementedError(f"plan: the device {device!r} is not there yet; the only device is 'cpu'")
    number = next((number for number, item in enumerate(plan.items) if item.phase != "F"), None)
    if number is not None:
        item = plan.items[number]
        raise NotImplementedError(
            f"plan: item {number} is phase {item.phase} of stage {item.stage}: plans of training are proved and "
            "simulated, but not run yet"
        )


def _cut(program: Program, value: int, is_cut: bool) -> tuple[int, int]:
    """The axis of an array that micro-batches cut, and its elements for each sample."""
    v = program.values[value]
    if not is_cut or v.batch == NO_BATCH:
        return NO_BATCH, 1
    size = v.shape[v.batch]
    return v.batch, size.factor if isinstance(size, Size) else 1


def _echoes(program: Program) -> list[tuple[int, bool, int]]:
    """The results that no step writes: (result, whether of an input, that input or the earlier result)."""
    echoes = []
    seen: dict[int, int] = {}
    for k, i in enumerate(program.outputs):
        if program.values[i].origin == "input":
            echoes.append((k, True, program.inputs.index(i)))
        elif i in seen:
            echoes.append((k, False, seen[i]))
        seen.setdefault(i, k)
    return echoes


def lower(program: Program, types: Sequence[Type], layout: Layout, samples: int) -> tuple[list[Any], list[Any], int]:
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
