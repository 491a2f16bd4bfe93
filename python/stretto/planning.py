"""Deciding how a network runs: every way there is, predicted, and the near best of them timed on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from stretto import _core
from stretto.gpu_planning import check_gpu_options, gpus_of, plan_on_gpus
from stretto.inputs import bind_inputs
from stretto.layout import faster_layout
from stretto.measuring import StepClock, measure_rates
from stretto.opening import Shop
from stretto.program import Array, Program
from stretto.progress import Countdown, Progress
from stretto.rewrite import fuse_epilogues
from stretto.runner import Runner
from stretto.schedule.arrange import arrange
from stretto.schedule.calibrate import Store, measure_steps, points_to_measure
from stretto.schedule.candidate import Candidate, Wanted
from stretto.schedule.candidates import SCHEDULES, candidates
from stretto.schedule.choose import OBJECTIVES, Decision, arenas, call_seconds, decide, predicted
from stretto.schedule.cost import CostModel
from stretto.schedule.machine import Rates, this_machine
from stretto.schedule.memory import arena_bytes
from stretto.schedule.plan import Choice, Plan
from stretto.threads import MOST_THREADS
from stretto.timing import time_calls, time_streams
from stretto.tracing import trace

__all__ = ["plan"]

PRECISIONS = ("highest", "high", "medium")
LAYOUT_SHARE, STEPS_SHARE, CALLS_SHARE, STREAMS_SHARE = 0.2, 0.3, 0.3, 0.2  # of the seconds for calibration


def plan(
    net: Program | Callable[..., Any],
    x: Any,
    *,
    objective: str = "throughput",
    workers: int | None = None,
    devices: Any = None,
    schedule: str | Choice | Plan | None = None,
    micro_batch: int | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
    precision: str = "highest",
    calibrate: float = 1.0,
    progress: bool | Progress = False,
) -> Runner:
    """Decide how to run a network, and open that plan. Whatever is chosen, the results have the same bits.

    Every schedule that the network and the machine allow is predicted from the measured times of its steps; the best
    three and all within 15 % of the best are timed, taking turns; the fastest median wins, and a simpler schedule
    within 3 % of it is preferred.

    Parameters
    ----------
    net : Program or callable
        A layer, or a function made of layers and ``st`` functions: it is traced, and a bias, ``batch_norm``, residual
        or activation that follows a product becomes its epilogue, and maps keep their channels last where that was
        measured to be faster. A Program is taken as it is; :func:`stretto.rewrite.fuse_epilogues` and
        :func:`stretto.rewrite.channels_last` do the same to it.
    x : array, or tuple of arrays
        An example of the input, of the batch size to decide for; the plan runs any other as well. A CuPy array plans
        for its GPU: ``"serial"`` (the default) and ``"depth_first"`` put all steps on the stream that is current at
        the call; the arena is taken from CuPy's allocator at each call, and parameters in host memory are copied to
        the GPU once.
    objective : {"throughput", "latency", "memory"}
        Calls take what is fastest for one batch. Streams take what does the most batches a second for
        ``"throughput"``, and the same as calls for ``"latency"``. ``"memory"`` takes the smallest arenas.
    workers : int, optional
        At most so many threads in all; by default those that a call would use.
    devices : "cpu", or sequence of "gpu:N", optional
        Where it may run. A CuPy array says by itself where it is: calls run there. Streams of its plan deal batches to
        all GPUs that are named, in turn.
    schedule : str, Choice or Plan, optional
        A name fixes the schedule: ``"serial"``, ``"depth_first"`` (slices of the batch through all steps), ``"intra"``
        (threads inside each op), ``"data"`` (the batch in shares), ``"streams"`` (shares, with threads inside each),
        ``"task"`` (branches at once), ``"tensor"`` (output channels in shares), ``"pipeline"``, ``"replicated"`` (a
        pipeline whose slow stages have several workers), ``"hybrid"`` (a pipeline with threads inside each stage). A
        Choice, or a Plan for one batch size, perhaps written by hand, is proved and taken as it is; one for the steps
        of ``st.trace`` runs these, with no epilogues fused. What another runner chose is for the steps of its
        ``program``, which is then passed as ``net``.
    micro_batch : int, optional
        Samples that move through the plan as one.
    threads : int, optional
        Inside each op.
    memory_limit : int, optional
        Bytes that the arenas may take; parameters, inputs and results come on top.
    precision : {"highest", "high", "medium"}
        Of the sums of products in the network, where it does not say one of its own.
    calibrate : float
        Seconds that measuring may take, about; 0 measures nothing and decides by what is known of the machine.
    progress : bool or callable
        Shows how far calibration is, on stderr when that is a terminal; a callable gets a
        :class:`stretto.progress.ProgressEvent` with ``done`` in hundredths.

    Returns
    -------
    Runner
        Call it with arrays; ``explain()`` says why it is what it is.

    Raises
    ------
    ValueError
        If a schedule is asked for that cannot run the network, or nothing fits the memory limit.
    NotImplementedError
        If a device is asked for that there is no support for, or a schedule that does not run on a GPU.

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
    _check_options(objective, workers, schedule, micro_batch, threads, memory_limit, precision, calibrate)
    arrays = x if isinstance(x, tuple) else (x,)
    program = net if isinstance(net, Program) else _fused(trace(net, *arrays), schedule)
    program = program.with_precision(precision)
    inputs, samples, gpu = bind_inputs(program, arrays)
    gpus = gpus_of(devices, gpu)
    if gpus:
        check_gpu_options(workers, threads)
        return plan_on_gpus(program, schedule, micro_batch, memory_limit, samples, gpus)
    if isinstance(schedule, (Choice, Plan)):
        return Runner(program, schedule)
    wanted = Wanted(workers or _core.resolve_threads(0), schedule, micro_batch, threads)
    with Countdown(progress, calibrate) as told:
        store, layout = _store(calibrate), ""
        has_room = memory_limit is None and objective != "memory"  # a map in another place may need an arena
        if calibrate > 0 and has_room and not isinstance(net, Program):
            program, layout = faster_layout(program, inputs, samples, store, LAYOUT_SHARE * calibrate, told)
        shop = Shop(program, wanted.workers)
        model = _calibrated(shop, store, inputs, samples, wanted, calibrate, told)
        found = candidates(model, samples, wanted)
        if (memory_limit or objective == "memory") and schedule is None and not program.why_not_cut():
            found.append(Candidate(Choice("depth_first", micro_batch=1)))  # what needs the least
        considered = predicted(model, found, samples)
        if all(c.verdict for c in considered):
            raise ValueError(f"plan: the schedule {schedule!r} cannot run this network: {considered[0].verdict}")
        considered = _within(memory_limit, program, considered, samples, all_sizes=objective == "memory")
        rank = arenas if objective == "memory" else call_seconds
        considered = time_calls(shop, considered, inputs, CALLS_SHARE * calibrate, told, rank)
        if objective == "throughput":
            considered = time_streams(shop, considered, inputs, STREAMS_SHARE * calibrate, told)
    return _open(shop, decide(considered, objective, layout), model)


def _fused(program: Program, schedule: str | Choice | Plan | None) -> Program:
    """The program with fused epilogues, or as it was traced where the schedule has a number for each of those steps."""
    plan = schedule.plan if isinstance(schedule, Choice) and schedule.plan else schedule
    stages = plan.stages if isinstance(plan, (Choice, Plan)) else ()
    fused = fuse_epilogues(program)
    last = max((step for stage in stages for step in stage.steps), default=0)
    return fused if last < len(fused.steps) else program


def _open(shop: Shop, decision: Decision, model: CostModel) -> Runner:
    chosen, stream = (decision.considered[i] for i in (decision.call, decision.stream))
    runner = Runner(shop.program, chosen.choice, stream.choice if stream is not chosen else None, _shop=shop)
    runner._decision, runner._model = decision, model
    return runner


def _store(calibrate: float) -> Store:
    """What is known of this machine: its rates at least, where measuring is allowed."""
    store = Store(this_machine())
    if store.rates is None and calibrate > 0:
        store.rates = measure_rates(store.machine)
        store.save()
    return store


def _calibrated(
    shop: Shop,
    store: Store,
    inputs: Sequence[Array],
    samples: int,
    wanted: Wanted,
    calibrate: float,
    told: Countdown,
) -> CostModel:
    """A model with what is known of this machine, and of this program's steps once they are measured."""
    model = CostModel(shop.program, store.machine, store.rates or Rates(), store.table)
    decided = wanted.schedule not in (None, "pipeline", "replicated", "hybrid", "task", "tensor")
    if calibrate > 0 and not decided and samples:
        points = points_to_measure(samples, wanted.workers, may_cut=not shop.program.why_not_cut())
        if measure_steps(model, points, StepClock(shop, inputs), STEPS_SHARE * calibrate, told):
            store.save()
    return model


def _within(
    limit: int | None, program: Program, considered: Sequence[Candidate], samples: int, *, all_sizes: bool
) -> list[Candidate]:
    """The candidates with their arenas' bytes, those over the limit ruled out."""
    if limit is None and not all_sizes:
        return list(considered)
    sized = []
    for c in considered:
        if c.predicted:
            c = replace(c, bytes=arena_bytes(program, arrange(program, c.choice, samples)))
            if limit is not None and (c.bytes or 0) > limit:
                verdict = f"its arenas take {c.bytes} bytes; the limit is {limit}"
                c = replace(c, predicted=None, verdict=verdict)
        sized.append(c)
    if not any(c.predicted for c in sized):
        least = min(c.bytes for c in sized if c.bytes is not None)
        raise ValueError(
            f"plan: memory_limit is too small: {limit} bytes; the arenas of the smallest candidate take {least}"
        )
    return sized


def _check_options(
    objective: str,
    workers: int | None,
    schedule: str | Choice | Plan | None,
    micro_batch: int | None,
    threads: int | None,
    memory_limit: int | None,
    precision: str,
    calibrate: float,
) -> None:
    for name, value, known in (
        ("objective", objective, OBJECTIVES),
        ("schedule", schedule, (None, *SCHEDULES)),
        ("precision", precision, PRECISIONS),
    ):
        if value not in known and not isinstance(value, (Choice, Plan)):
            names = ", ".join(str(k) for k in known if k is not None)
            raise ValueError(f"plan: unknown {name}: {value!r}; it must be one of {names}")
    for name, count, most in (
        ("workers", workers, MOST_THREADS),
        ("micro_batch", micro_batch, None),
        ("threads", threads, MOST_THREADS),
        ("memory_limit", memory_limit, None),
    ):
        if count is None:
            continue
        if isinstance(count, bool) or not isinstance(count, int) or count < 1 or (most and count > most):
            limit = f", at most {most}" if most else ""
            raise ValueError(f"plan: {name} is out of range: {count!r}; it must be a positive integer{limit}")
    if isinstance(calibrate, bool) or not isinstance(calibrate, (int, float)) or not 0 <= calibrate < float("inf"):
        raise ValueError(f"plan: calibrate is out of range: {calibrate!r}; it must be a number of seconds, 0 or more")
