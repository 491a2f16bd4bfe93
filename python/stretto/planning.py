"""Deciding how a network runs: every way there is, timed on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from stretto import _core
from stretto.opening import Shop, bind_inputs
from stretto.program import Array, Program
from stretto.runner import Runner
from stretto.schedule.choose import OBJECTIVES, SCHEDULES, Candidate, candidates, decide
from stretto.schedule.cost import Rates, step_times
from stretto.schedule.plan import Choice
from stretto.threads import MOST_THREADS
from stretto.tracing import trace

__all__ = ["plan"]


def plan(
    net: Program | Callable[..., Any],
    x: Any,
    *,
    objective: str = "throughput",
    workers: int | None = None,
    schedule: str | None = None,
    micro_batch: int | None = None,
    threads: int | None = None,
    calibrate: float = 1.0,
    devices: Any = None,
    memory_limit: int | None = None,
    precision: str = "highest",
) -> Runner:
    """Decide how to run a network, by timing the ways there are, and open that plan.

    Whatever is chosen, the results have the same bits.

    Parameters
    ----------
    net : Program or callable
        A layer, a function made of layers and ``st`` functions, or what :func:`stretto.trace` made of one.
    x : array, or tuple of arrays
        An example of the input, of the batch size to decide for; the plan runs any other as well.
    objective : {"throughput", "latency", "memory"}
        The first two take the fastest call, the last one the smallest arenas.
    workers : int, optional
        At most so many; by default the threads a call would use.
    schedule : {"serial", "intra", "data", "task", "pipeline"}, optional
        Fixes the schedule; nothing is timed if one candidate is left.
    micro_batch : int, optional
        Samples that move through the plan as one.
    threads : int, optional
        Inside each op: by default 1, and all for ``"intra"``.
    calibrate : float
        Seconds that timing may take, about.

    Returns
    -------
    Runner
        Call it with arrays; ``explain()`` says why it is what it is.

    Raises
    ------
    ValueError
        If a schedule is asked for that would cut the batch of a network that mixes samples.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net = st.Sequential(st.Linear(8, 16, activation="relu"), st.Linear(16, 4))
    >>> x = np.ones((32, 8), "f4")
    >>> with st.plan(net, x, schedule="pipeline", workers=2, micro_batch=5) as plan:
    ...     bool((plan(x) == net(x)).all())
    True
    """
    for name, value in (("devices", devices), ("memory_limit", memory_limit)):
        if value is not None:
            raise NotImplementedError(f"plan: {name}= is not there yet; leave it out")
    if precision != "highest":
        raise NotImplementedError(f"plan: precision={precision!r} is not there yet for whole plans; pass it to the ops")
    if objective not in OBJECTIVES:
        raise ValueError(f"plan: unknown objective: {objective!r}; it must be one of {', '.join(OBJECTIVES)}")
    if schedule in ("tensor", "streams", "hybrid", "replicated"):
        raise NotImplementedError(f"plan: the schedule {schedule!r} is not there yet; there are {', '.join(SCHEDULES)}")
    if schedule is not None and schedule not in SCHEDULES:
        raise ValueError(f"plan: unknown schedule: {schedule!r}; it must be one of {', '.join(SCHEDULES)}")
    for name, count in (("workers", workers), ("micro_batch", micro_batch), ("threads", threads)):
        most = None if name == "micro_batch" else MOST_THREADS
        if count is None:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or count < 1 or (most and count > most):
            limit = f", at most {most}" if most else ""
            raise ValueError(f"plan: {name} is out of range: {count!r}; it must be a positive integer{limit}")
    arrays = x if isinstance(x, tuple) else (x,)
    program = net if isinstance(net, Program) else trace(net, *arrays)
    inputs, samples = bind_inputs(program, arrays)
    workers = workers or _core.resolve_threads(0)

    shop = Shop(program, workers)
    types = program.types(samples)
    times = step_times(program, types, samples, Rates())
    if schedule in (None, "task", "pipeline"):
        times = measured_times(shop, inputs, times, calibrate / 4)
    considered = candidates(
        program, samples, times, workers=workers, schedule=schedule, micro_batch=micro_batch, threads=threads
    )
    if schedule is not None and all(c.verdict for c in considered):
        raise ValueError(f"plan: the schedule {schedule!r} cannot run this network: {considered[0].verdict}")
    considered = timed(shop, considered, inputs, samples, calibrate)
    chosen, considered = decide(considered, objective)
    runner = Runner(program, considered[chosen].choice, _shop=shop)
    runner._explained = (considered, objective)
    return runner


def measured_times(shop: Shop, inputs: Sequence[Array], otherwise: Sequence[float], seconds: float) -> list[float]:
    """Seconds of each step on one thread: the least of a few runs."""
    runner = Runner(shop.program, Choice("serial"), _shop=shop)
    least: dict[int, float] = {}
    end = time.perf_counter() + seconds
    for _ in range(5):
        for span in runner.timeline(*inputs).spans:
            least[span.step] = min(least.get(span.step, span.end - span.begin), span.end - span.begin)
        if time.perf_counter() > end:
            break
    # A step that is a mere view takes no time.
    return [least.get(i, 0.0) for i in range(len(otherwise))] if least else list(otherwise)


def timed(
    shop: Shop, considered: Sequence[Candidate], inputs: Sequence[Array], samples: int, seconds: float
) -> list[Candidate]:
    """Time the candidates that nothing speaks against, taking turns."""
    runners = {i: Runner(shop.program, c.choice, _shop=shop) for i, c in enumerate(considered) if not c.verdict}
    timings: dict[int, list[float]] = {i: [] for i in runners}
    rounds = 1 if len(runners) == 1 else 21
    end = time.perf_counter() + seconds
    for runner in runners.values():
        runner(*inputs)
    for number in range(rounds):
        for i, runner in runners.items():
            begin = time.perf_counter()
            runner(*inputs)
            timings[i].append(time.perf_counter() - begin)
        if number >= 2 and time.perf_counter() > end:
            break
    return [
        replace(c, seconds=tuple(timings[i]), bytes=runners[i].peak_bytes(samples)) if i in runners else c
        for i, c in enumerate(considered)
    ]
