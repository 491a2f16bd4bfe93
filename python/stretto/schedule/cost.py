"""What steps cost, before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stretto import _core
from stretto.program import Program, Type

__all__ = ["Rates", "step_times"]


@dataclass(frozen=True, slots=True)
class Rates:
    """What calibration measured of a machine; the defaults are a core of no particular make."""

    flops: float = 3e10  # a second, one thread
    bytes: float = 1e10  # a second, one thread
    call: float = 3e-7  # seconds for each step
    hand_off: float = 3e-6  # seconds from one worker to another


def step_times(program: Program, types: Sequence[Type], samples: int, rates: Rates) -> list[float]:
    """Seconds of each step on one thread: the larger of its arithmetic and its traffic, and the call."""
    times = []
    for step in program.steps:
        inputs = [None if i is None else types[i] for i in step.inputs]
        flops, moved = _core.op(step.op).cost(inputs, step.attributes_at(samples))
        times.append(max(flops / rates.flops, moved / rates.bytes) + rates.call)
    return times
