"""What calibration runs on this machine: small programs for its rates, the user's program for its steps."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stretto import _core, ops
from stretto.inputs import bind_inputs
from stretto.opening import Openings, Shop
from stretto.program import NO_BATCH, Array, Program, Size
from stretto.runner import Runner
from stretto.schedule.machine import Machine, Rates
from stretto.schedule.plan import Choice, Stage
from stretto.tracing import trace

__all__ = ["StepClock", "first_samples", "measure_rates"]

STEPS = 32  # of the small programs
TAKES = 3
APART = 0.1  # seconds
CROWDED = 1.1  # cores that all together are worth no more than so many are not there
ASLEEP = 1e-3  # seconds after which workers sleep
SHORT = 2e-3  # seconds of a run that others shall precede


class StepClock:
    """Runs a program serially on the first samples of a batch, and says how long each step took.

    A short run is timed after two others, as in a loop of calls: the caches hold what the last one left there. A long
    one fills them itself.
    """

    def __init__(self, shop: Shop, inputs: Sequence[Array]) -> None:
        self.shop = shop
        self.inputs = inputs
        self._openings: dict[int, Openings[_core.Executor]] = {}

    def __call__(self, samples: int, threads: int) -> list[float]:
        """Seconds of each step; a step that is a mere view takes none."""
        executor = self._executor(samples, threads)
        inputs = bind_inputs(self.shop.program, first_samples(self.shop.program, self.inputs, samples))[0]
        seconds = self._time(executor, inputs)
        if sum(seconds) < SHORT:
            executor.run(inputs)
            seconds = self._time(executor, inputs)
        return seconds

    def _time(self, executor: _core.Executor, inputs: Sequence[Array]) -> list[float]:
        seconds = [0.0] * len(self.shop.program.steps)
        for _, _, step, _, begin, end in executor.timeline(inputs):
            seconds[step] += (end - begin) * 1e-9
        return seconds

    def _executor(self, samples: int, threads: int) -> _core.Executor:
        if threads not in self._openings:
            make = functools.partial(_core.Executor, self.shop.workshop)
            self._openings[threads] = Openings(self.shop, Choice("serial", threads=threads), make)
        return self._openings[threads].get(samples)


def first_samples(program: Program, inputs: Sequence[Array], samples: int) -> list[Array]:
    """The arrays cut to their first samples."""
    cut = []
    for array, i in zip(inputs, program.inputs, strict=True):
        value = program.values[i]
        if value.batch != NO_BATCH:
            size = value.shape[value.batch]
            end = size.at(samples) if isinstance(size, Size) else size
            array = array[(slice(None),) * value.batch + (slice(0, end),)]
        cut.append(array)
    return cut


def median_seconds(call: Callable[[], Any], seconds: float = 0.01, least: int = 5, pause: float = 0.0) -> float:
    """Of one call, over a hundredth of a second; after a pause, if workers shall be asleep."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        if pause:
            time.sleep(pause)
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure_rates(machine: Machine) -> Rates:
    """The machine's rates, in about a second; what needs two cores stays at its default on one."""
    rates = {
        "flops": _flops(1),
        "l2": _bandwidth(machine.l2 // 2, 1),
        "l3": _bandwidth(min(machine.l3 // 2, 8 * machine.l2), 1),
        "memory": _bandwidth(min(4 * machine.l3, 256 << 20), 1),
    }
    rates["l3"] = min(rates["l3"], rates["l2"])
    rates["memory"] = min(rates["memory"], rates["l3"])
    overheads = _overheads()
    if machine.cores > 1:
        together = _bandwidth(min(4 * machine.l3, 256 << 20), machine.cores)
        rates["memory_all"] = max(together, rates["memory"])
        overheads |= _least(_between_workers)
        overheads |= _least(lambda: {"fork": _fork(machine.cores)})
        overheads |= _together(machine.cores)
    else:
        rates["memory_all"] = rates["memory"]
    return Rates(**rates, **overheads)


def _flops(threads: int) -> float:
    a = np.random.default_rng(0).normal(size=(256, 256)).astype("f4")
    out = np.empty_like(a)
    return 2 * 256**3 / median_seconds(lambda: ops.matmul(a, a, out=out, threads=threads))


def _together(cores: int) -> dict[str, float]:
    """What one core needs for its products, over what all need for theirs: the best of takes that lie apart.

    When other processes have the cores, ops run on one alone: that says nothing of the machine.
    """
    own = 4  # products
    a = np.broadcast_to(np.random.default_rng(0).normal(size=(128, 128)).astype("f4"), (own * cores, 128, 128))
    out = np.zeros(a.shape, "f4")
    best = 0.0
    for take in range(TAKES):
        time.sleep(APART if take else 0.0)
        alone = median_seconds(lambda: ops.matmul(a[:own], a[:own], out=out[:own], threads=1))
        best = max(best, alone / median_seconds(lambda: ops.matmul(a, a, out=out, threads=cores)))
    return {"together": min(best, 1.0)} if best > CROWDED / cores else {}


def _bandwidth(footprint: int, threads: int) -> float:
    """Bytes read and written a second, by an op that does little else."""
    x = np.zeros(max(1024, footprint // 8), "f4")
    out = np.zeros_like(x)
    return 2 * x.nbytes / median_seconds(lambda: ops.relu(x, out=out, threads=threads))


def _chain(steps: int) -> Program:
    def f(x: Any) -> Any:
        for _ in range(steps):
            x = ops.relu(x)
        return x

    return trace(f, np.zeros((STEPS, 4), "f4"))


def _overheads() -> dict[str, float]:
    """Of a step, an item and a run, by difference."""
    x = np.zeros((STEPS, 4), "f4")
    long, short = _chain(STEPS), _chain(1)
    with Runner(long, Choice("serial")) as many, Runner(short, Choice("serial")) as one:
        of_many, of_one = median_seconds(lambda: many(x)), median_seconds(lambda: one(x))
    call = max(1e-8, (of_many - of_one) / (STEPS - 1))
    with Runner(short, Choice("depth_first", micro_batch=1)) as cut:
        item = max(1e-8, (median_seconds(lambda: cut(x)) - of_one) / (STEPS - 1) - call)
    return {"call": call, "item": item, "run": max(1e-7, of_one - call - item)}


def _least(measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The least of a few takes: who disturbs two threads that wait for each other only ever adds to their time."""
    takes = [measure() for _ in range(TAKES)]
    return {name: min(take[name] for take in takes) for name in takes[0]}


def _between_workers() -> dict[str, float]:
    """Of a hand-off, by chains whose steps go to and fro between two workers; and of waking the second one."""
    x = np.zeros((STEPS, 4), "f4")

    def seconds(steps: int, workers: int, pause: float = 0.0) -> float:
        stages = tuple(Stage("relu", (i,)) for i in range(steps))
        placement = tuple(tuple(range(worker, steps, workers)) for worker in range(workers))
        with Runner(_chain(steps), Choice("task", workers, stages=stages, placement=placement)) as runner:
            return median_seconds(lambda: runner(x), pause=pause)

    alone, both = seconds(STEPS, 1), seconds(STEPS, 2)
    hand_off = ((seconds(3 * STEPS, 2) - both) - (seconds(3 * STEPS, 1) - alone)) / (2 * STEPS)
    hand_off = max(5e-8, hand_off)
    asleep = seconds(STEPS, 2, ASLEEP) - seconds(STEPS, 1, ASLEEP)
    return {"hand_off": hand_off, "wake": max(1e-7, asleep - STEPS * hand_off)}


def _fork(threads: int) -> float:
    """What a step costs more on several threads than its share of the work."""
    a = np.random.default_rng(0).normal(size=(192, 192)).astype("f4")
    out = np.empty_like(a)
    alone = median_seconds(lambda: ops.matmul(a, a, out=out, threads=1))
    return max(1e-7, median_seconds(lambda: ops.matmul(a, a, out=out, threads=threads)) - alone / threads)
