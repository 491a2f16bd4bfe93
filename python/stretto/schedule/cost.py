"""What steps cost: a roofline over the caches, corrected by what was measured of the same step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stretto import _core
from stretto.program import Program, Type
from stretto.schedule.machine import Held, Machine, Rates
from stretto.schedule.memory import lay_out, size_in_bytes
from stretto.schedule.table import Table, signature

__all__ = ["CostModel", "StepWork"]

FILLS = 0.8  # of a cache: with more in it, lines are lost before they are read again
LEAST_SHARE = 1e-5  # seconds of work for each thread: an op does not cut smaller


@dataclass(frozen=True, slots=True)
class StepWork:
    """What a step does on one micro-batch: floating-point operations, and bytes by where they come from."""

    flops: float
    weights: float  # bytes of parameters and captured arrays
    activations: float  # bytes read and written of everything else

    def part(self, shares: int) -> StepWork:
        """One of so many shares of the output channels; it still reads the whole input."""
        return StepWork(self.flops / shares, self.weights / shares, self.activations) if shares > 1 else self


class CostModel:
    """Predicts the seconds of the steps of one Program on one machine.

    ``max(flops / rate, bytes / bandwidth of the level that holds them) + call``: the roofline of Williams, Waterman
    and Patterson (2009). Where a step was measured, it is the measured time, multiplied by the ratio of the model's
    two predictions: for what is asked, and for what was measured.

    Parameters
    ----------
    program : Program
    machine : Machine
    rates : Rates, optional
        What calibration measured of the machine.
    table : Table, optional
        What it measured of steps.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> from stretto.schedule.machine import Machine, Rates
    >>> program = st.trace(st.Linear(256, 256), np.ones((8, 256), "f4"))
    >>> model = CostModel(program, Machine(cores=4), Rates(flops=1e10, call=0.0))
    >>> model.step(0, samples=1000) == 2 * 1000 * 256 * 256 / 1e10
    True
    """

    def __init__(
        self, program: Program, machine: Machine, rates: Rates | None = None, table: Table | None = None
    ) -> None:
        self.program = program
        self.machine = machine
        self.rates = rates or Rates()
        self.table = Table() if table is None else table
        self.signatures = [signature(program, i) for i in range(len(program.steps))]
        self._works: dict[int, list[StepWork]] = {}
        self._types: dict[int, list[Type]] = {}
        types = program.types(max(1, program.example_samples))
        in_order = [(1 << step) - 1 for step in range(len(program.steps))]
        self._views = lay_out(program, types, in_order, is_cut=False).views

    def types(self, samples: int) -> list[Type]:
        """Dtype and shape of every value of a micro-batch."""
        if samples not in self._types:
            self._types[samples] = self.program.types(samples)
        return self._types[samples]

    def works(self, samples: int) -> list[StepWork]:
        """The work of every step on a micro-batch."""
        if samples not in self._works:
            types = self.types(samples)
            self._works[samples] = [self._work(i, types, samples) for i in range(len(self.program.steps))]
        return self._works[samples]

    def _work(self, index: int, types: Sequence[Type], samples: int) -> StepWork:
        if index in self._views:
            return StepWork(0.0, 0.0, 0.0)
        step = self.program.steps[index]
        inputs = [None if i is None else types[i] for i in step.inputs]
        flops, moved = _core.op(step.op).cost(inputs, step.attributes_at(samples))
        weights = sum(
            size_in_bytes(types[i])
            for i in step.inputs
            if i is not None and self.program.values[i].origin in ("parameter", "constant")
        )
        return StepWork(flops, min(weights, moved), max(moved - weights, 0.0))

    def held(
        self,
        steps: Sequence[int],
        samples: int,
        workers: int = 1,
        *,
        shared: bool = False,
        threads: int = 1,
        shares: int = 1,
    ) -> Held:
        """Where the data of a worker lies that runs these steps again and again.

        Parameters
        ----------
        steps : sequence of int
            All that the worker runs between two uses of the same weight.
        samples : int
            Of a micro-batch.
        workers : int
            So many run at the same time.
        shared : bool
            They read the same weights, which a shared cache then holds once.
        threads, shares : int
            Threads inside each step, and of how many parts of its channels the worker makes one.
        """
        works = self.works(samples)
        weights = sum(works[i].weights for i in steps) / shares
        activations = max((works[i].activations for i in steps), default=0.0)
        used_nodes = min(self.machine.nodes, -(-workers * threads * self.machine.nodes // self.machine.cores))
        on_node = -(-workers // max(1, used_nodes))
        own, common = FILLS * self.machine.l2 * threads, FILLS * self.machine.l3

        def level(here: float, together: float) -> str:
            return "l2" if here <= own else "l3" if together <= common else "memory"

        together = weights * (1 if shared else on_node) + activations * on_node
        return Held(
            level(weights + activations, together),
            level(activations, activations * on_node),
            on_node * threads,
            shared and used_nodes > 1,
        )

    def modelled(self, work: StepWork, threads: int, held: Held) -> float:
        """The roofline alone, without the call."""
        used = min(threads, self.machine.cores)
        remote = self.rates.remote if held.is_remote and held.weights == "memory" else 1.0
        moved = work.weights / (self._bandwidth(held.weights, used, held.workers) * remote)
        moved += work.activations / self._bandwidth(held.activations, used, held.workers)
        return max(work.flops / (self.rates.flops * used * self._kept(held.workers)), moved)

    def _kept(self, workers: int) -> float:
        """Share of its rates that a core keeps while so many of its node compute."""
        most = self.machine.cores // self.machine.nodes - 1
        others = min(workers - 1, most)
        return 1 - (1 - self.rates.together) * others / most if others > 0 else 1.0

    def _bandwidth(self, level: str, threads: int, workers: int) -> float:
        rates = self.rates
        if level == "memory":
            return min(rates.memory * threads, rates.memory_all * threads / max(threads, workers))
        return (rates.l2 if level == "l2" else rates.l3) * threads * self._kept(workers)

    def limit(self, work: StepWork, threads: int, held: Held) -> str:
        """What a step's time goes into."""
        if not (work.flops or work.weights or work.activations):
            return "calls"
        used = min(threads, self.machine.cores)
        arithmetic, moved = (
            work.flops / (self.rates.flops * used * self._kept(held.workers)),
            self.modelled(replace(work, flops=0.0), threads, held),
        )
        if max(arithmetic, moved) < self._call(held):
            return "calls"
        if arithmetic >= moved:
            return "arithmetic"
        level = held.weights if work.weights >= work.activations else held.activations
        return {"l2": "bandwidth of L2", "l3": "bandwidth of L3", "memory": "bandwidth of memory"}[level]

    def step(self, index: int, samples: int, threads: int = 1, held: Held | None = None, shares: int = 1) -> float:
        """Seconds of a step on a micro-batch; with ``shares``, of one of so many parts of its output channels."""
        if index in self._views:
            return 0.0
        held = held or Held()
        if self.table.points(self.signatures[index], threads):
            return self._from_table(index, samples, threads, threads, held, shares)
        alone = held if threads == 1 else replace(held, workers=max(1, held.workers // threads))
        on_one = self._from_table(index, samples, 1, 1, alone, shares)
        useful = min(threads, int(on_one / LEAST_SHARE))
        if useful < 2:
            return on_one
        return min(on_one, self._from_table(index, samples, 1, useful, held, shares) + self.rates.fork)

    def _from_table(self, index: int, samples: int, measured: int, threads: int, held: Held, shares: int) -> float:
        """Seconds on ``threads`` threads, from the points that were measured on ``measured``."""

        def wanted(at: int) -> float:
            return self.modelled(self.works(at)[index].part(shares), threads, held) + self._call(held)

        converted = [
            (p.samples, p.seconds * wanted(p.samples) / self._as_measured(index, p.samples, measured, p.held))
            for p in self.table.points(self.signatures[index], measured)
        ]
        return _between(converted, samples, wanted)

    def _as_measured(self, index: int, samples: int, threads: int, held: Held) -> float:
        return self.modelled(self.works(samples)[index], threads, held) + self._call(held)

    def _call(self, held: Held) -> float:
        return self.rates.call / self._kept(held.workers)


def _between(points: Sequence[tuple[int, float]], samples: int, model: Callable[[int], float]) -> float:
    """The line through the two nearest measured micro-batches; beyond them, in the model's proportion."""
    if not points:
        return model(samples)
    before = max((p for p in points if p[0] <= samples), default=None)
    after = min((p for p in points if p[0] >= samples), default=None)
    if before is None or after is None:
        at, seconds = before or after or points[0]
        return seconds * model(samples) / model(at)
    (low, first), (high, last) = before, after
    return first if low == high else first + (last - first) * (samples - low) / (high - low)
