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


MOST_OF_BUDGET = 0.25  # that one call may take: a dozen are made
STEPS_SECONDS = 0.05  # for the runs that time the steps


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

    def seconds_of_steps(version: Program, shop: Shop) -> list[float]:
        return _step_seconds(CostModel(version, store.machine, store.rates, store.table), shop, inputs, samples, told)

    shop = Shop(program, 1)
    first = seconds_of_steps(program, shop)
    if sum(first) > MOST_OF_BUDGET * seconds:
        return program, ""
    all_last, places = moved(program, maps)
    last = seconds_of_steps(all_last, Shop(all_last, 1))
    store.save()
    rates, types = store.rates or Rates(), program.types(samples)

    def copy(value: int) -> float:
        return 2 * size_in_bytes(types[value]) / rates.l3 + rates.call

    chosen = steps_channels_last(program, first, {step: last[places[step]] for step in maps}, copy)
    if not chosen:
        return program, ""
    candidate, _ = moved(program, chosen)
    plain, changed = _call_seconds([shop, Shop(candidate, 1)], inputs, seconds / 2, told)
    if changed > (1 - MARGIN) * plain:
        return program, ""
    return candidate, f"channels last in {len(chosen)} of {len(maps)} steps of maps: {changed / plain:.2f} of the time"


def _step_seconds(
    model: CostModel, shop: Shop, inputs: Sequence[Array], samples: int, told: Callable[[], None]
) -> list[float]:
    """Of each step, of the whole batch on one worker: a few runs, or what is known."""
    measure_steps(model, [(samples, 1)], StepClock(shop, inputs), STEPS_SECONDS, told)
    steps = range(len(model.program.steps))
    held = model.held(steps, samples)
    return [model.step(i, samples, held=held) for i in steps]


def _call_seconds(
    shops: Sequence[Shop], inputs: Sequence[Array], seconds: float, told: Callable[[], None]
) -> list[float]:
    """Median seconds of a call of each shop's program, on one worker."""
    calls = {
        i: functools.partial(Runner(shop.program, Choice("serial"), _shop=shop), *inputs)
        for i, shop in enumerate(shops)
    }
    timings = taking_turns(calls, seconds, told)
    return [statistics.median(timings[i]) for i in range(len(shops))]
