"""What the cost model says: the only place of the benches that knows how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import stretto as st
from stretto.measuring import StepClock, measure_rates
from stretto.opening import Shop
from stretto.schedule.calibrate import measure_steps, points_to_measure
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Rates, this_machine
from stretto.schedule.plan import Choice
from stretto.schedule.predict import predict


@cache
def rates() -> Rates:
    """This machine's rates, measured once a process."""
    return measure_rates(this_machine())


class Predictor:
    """Predicts one program's steps and plans by a cost model that knows this machine's rates.

    Parameters
    ----------
    program : Program
    inputs : sequence of arrays, optional
        With them the program's steps are measured too, at the points where `stretto.plan` measures them for this batch.
    workers : int
        Of the plans that are asked about.
    seconds : float
        That measuring steps may take.
    """

    def __init__(
        self, program: st.Program, inputs: Sequence[Any] | None = None, workers: int = 1, seconds: float = 1.0
    ) -> None:
        self.model = CostModel(program, this_machine(), rates())
        self.steps = range(len(program.steps))
        if inputs is not None:
            points = points_to_measure(len(inputs[0]), workers, may_cut=not program.why_not_cut())
            measure_steps(self.model, points, StepClock(Shop(program, workers), inputs), seconds)

    def is_measured(self, samples: int, threads: int) -> bool:
        """Whether the steps were measured at just this point: then predicting them proves nothing."""
        signatures = self.model.signatures
        return any(point.samples == samples for s in signatures for point in self.model.table.points(s, threads))

    def step(self, step: int, samples: int, threads: int) -> float:
        """Seconds of one step of a program that runs serially."""
        held = self.model.held(self.steps, samples, threads=threads)
        return self.model.step(step, samples, threads, held)

    def plan(self, choice: Choice, samples: int) -> float:
        """Seconds of a call."""
        return predict(self.model, choice, samples).seconds
