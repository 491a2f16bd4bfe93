"""Where a network keeps the channels of its maps last: by the times of its steps both ways, then timed."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable, Sequence

from stretto.measuring import StepClock
from stretto.opening import Shop
from stretto.program import Array, Program
from stretto.rewrite import steps_of_maps
from stretto.rewrite.layouts import moved
from stretto.runner import Runner
from stretto.schedule.calibrate import Store, measure_steps
from stretto.schedule.choose import MARGIN
from stretto.schedule.cost import CostModel
from stretto.schedule.layouts import steps_channels_last
from stretto.schedule.machine import Rates
from stretto.schedule.memory import size_in_bytes
from stretto.schedule.plan import Choice
from stretto.timing import taking_turns

__all__ = ["faster_layout"]


def faster_layout(
    program: Program,
    inputs: Sequence[Array],
    samples: int,
    store: Store,
    seconds: float,
    told: Callable[[], None],
) -> tuple[Program, str]:
    """The program with its channels last where that is faster by more than 3 %, and a sentence about it."""
    maps = steps_of_maps(program)
    if not maps or not samples:
        return program, ""
    all_last, places = moved(program, maps)
    first = _step_seconds(program, inputs, samples, store, seconds / 4, told)
    last = _step_seconds(all_last, inputs, samples, store, seconds / 4, told)
    store.save()
    rates, types = store.rates or Rates(), program.types(samples)

    def copy(value: int) -> float:
        return 2 * size_in_bytes(types[value]) / rates.l3 + rates.call

    chosen = steps_channels_last(program, first, {step: last[places[step]] for step in maps}, copy)
    if not chosen:
        return program, ""
    candidate, _ = moved(program, chosen)
    plain, changed = _call_seconds([program, candidate], inputs, seconds / 2, told)
    if changed > (1 - MARGIN) * plain:
        return program, ""
    return candidate, f"channels last in {len(chosen)} of {len(maps)} steps of maps: {changed / plain:.2f} of the time"


def _step_seconds(
    program: Program,
    inputs: Sequence[Array],
    samples: int,
    store: Store,
    seconds: float,
    told: Callable[[], None],
) -> list[float]:
    model = CostModel(program, store.machine, store.rates, store.table)
    measure_steps(model, [(samples, 1)], StepClock(Shop(program, 1), inputs), seconds, told)
    steps = range(len(program.steps))
    held = model.held(steps, samples)
    return [model.step(i, samples, held=held) for i in steps]


def _call_seconds(
    programs: Sequence[Program], inputs: Sequence[Array], seconds: float, told: Callable[[], None]
) -> list[float]:
    """Median seconds of a call of each program, on one worker."""
    calls = {i: functools.partial(Runner(p, Choice("serial")), *inputs) for i, p in enumerate(programs)}
    timings = taking_turns(calls, seconds, told)
    return [statistics.median(timings[i]) for i in range(len(programs))]
