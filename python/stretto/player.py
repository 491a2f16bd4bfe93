"""Players: a program and its choice, run one call at a time, and what is known of such a call beforehand."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

from stretto import _core
from stretto.inputs import bind_host_inputs, bind_inputs, intake_of
from stretto.opening import Openings, Shop
from stretto.program import Program
from stretto.schedule.calibrate import Store
from stretto.schedule.candidate import Candidate
from stretto.schedule.choose import Decision
from stretto.schedule.cost import CostModel
from stretto.schedule.explain import explain
from stretto.schedule.machine import this_machine
from stretto.schedule.plan import Choice, Plan
from stretto.schedule.predict import Prediction, predict_plan
from stretto.timeline import Timeline, timeline_of

__all__ = ["Player"]


class Player:
    """The calls of a runner: on the host, or on the GPU where the arrays are."""

    def __init__(self, program: Program, choice: Choice, shop: Shop) -> None:
        self.program = program
        self.choice = choice
        self._shop = shop
        intake = intake_of(program)
        self._samples, self._on_gpu = intake.samples, intake.on_gpu
        self._calls = Openings(shop, choice, functools.partial(_core.Executor, shop.workshop))
        self._gpu_calls: dict[int, Openings[_core.DevicePlan]] = {}
        self._home: Openings[Any] = self._calls  # of where it was planned for
        self._lock = threading.Lock()
        self._is_closed = False
        self._decision: Decision | None = None
        self._model: CostModel | None = None

    def __call__(self, *arrays: Any) -> Any:
        """Run once; returns what the network returns, as new arrays of the inputs' kind.

        On CuPy arrays all steps are put on the current stream, and nothing is waited for.
        """
        samples = self._samples(arrays)
        inputs: Sequence[Any] = arrays
        if samples < 0:
            usual = self._on_gpu(arrays)
            if usual is not None:
                return self._calls_on(usual[1]).get(usual[0]).run(arrays)
            inputs, samples, gpu = bind_inputs(self.program, arrays)
            if gpu is not None:
                return self._calls_on(gpu).get(samples).run(inputs)
        try:
            return self._calls.get(samples).run(inputs)
        except CancelledError:
            raise CancelledError(f"plan: the run was cancelled: {self.choice}, {samples} samples") from None

    def _calls_on(self, gpu: int) -> Openings[_core.DevicePlan]:
        calls = self._gpu_calls.get(gpu)
        if calls is not None:
            return calls
        with self._lock:
            if self._is_closed:
                raise ValueError("plan: the plan is closed; make a new one with st.plan")
            if gpu not in self._gpu_calls:
                self._gpu_calls[gpu] = Openings(self._shop, self.choice, _core.DevicePlan, gpu=gpu)
            return self._gpu_calls[gpu]

    def timeline(self, *arrays: Any) -> Timeline:
        """Run once and say what ran when, with what was foretold of it as its ``predicted``."""
        inputs, samples = bind_host_inputs("timeline", self.program, arrays)
        spans = self._calls.get(samples).timeline(inputs)
        measured = timeline_of(spans, [step.op for step in self.program.steps])
        return replace(measured, predicted=self.forecast(samples).timeline)

    def forecast(self, samples: int) -> Prediction:
        """What a call with so many samples will cost, by what is known of this machine and of the network's steps.

        Examples
        --------
        >>> import numpy as np
        >>> import stretto as st
        >>> with st.plan(st.ReLU(), np.ones((2, 3), "f4"), schedule="serial") as plan:
        ...     plan.forecast(1).seconds < plan.forecast(10**6).seconds
        True
        """
        if self._model is None:
            machine = this_machine()
            store = Store(machine)
            self._model = CostModel(self.program, machine, store.rates, store.table)
        return predict_plan(self._model, self.plan(samples))

    def draw(self, *arrays: Any, format: str = "text", width: int | None = None) -> str:
        """The plan as a Gantt chart, as predicted; with arrays, run on them and drawn as measured too.

        Parameters
        ----------
        *arrays : array
            The network's inputs. Without them the chart is for the batch size that the plan was made for.
        format, width
            As in :meth:`stretto.Timeline.draw`.

        Examples
        --------
        >>> import numpy as np
        >>> import stretto as st
        >>> x = np.ones((4, 8), "f4")
        >>> net = st.Sequential(st.Linear(8, 8), st.Linear(8, 8))
        >>> with st.plan(net, x, schedule="pipeline", workers=2, micro_batch=1) as plan:
        ...     print(plan.draw(width=60).splitlines()[0].split()[0])
        predicted
        """
        timeline = self.timeline(*arrays) if arrays else self.forecast(self.program.example_samples).timeline
        return timeline.draw(format=format, width=width)

    def peak_bytes(self, samples: int) -> int:
        """Bytes of the arenas for a batch of so many samples; parameters, inputs and results come on top."""
        return int(self._home.get(samples).arena_bytes)

    def explain(self, format: str = "text") -> str:
        """Every candidate with its time and memory, which one is run, and why not the others; or the same as JSON."""
        given = Candidate(self.choice, verdict="chosen: given by hand")
        return explain(self._decision or Decision((given,), 0, 0, "none"), format)

    def plan(self, samples: int) -> Plan:
        """The plan for a batch of so many samples, as data."""
        return self._calls.plan(samples)

    def close(self) -> None:
        """Free the memory; what is closed cannot be called."""
        self._is_closed = True
        self._calls.close()
        for calls in self._gpu_calls.values():
            calls.close()

    def _renew_after_fork(self) -> None:
        self._lock = threading.Lock()
