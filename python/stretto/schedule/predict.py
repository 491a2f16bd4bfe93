"""From a Choice to what it will cost: seconds of a call, of a batch in a stream, and what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stretto.schedule.arrange import arrange
from stretto.schedule.cost import CostModel
from stretto.schedule.devices import boundary_bytes, gpu_step
from stretto.schedule.memory import size_in_bytes
from stretto.schedule.plan import Choice, Plan
from stretto.schedule.simulate import idle_fraction, simulate
from stretto.timeline import Timeline

__all__ = ["Prediction", "predict", "predict_plan"]

SHARES_BATCHES = frozenset({"data", "streams"})  # in a stream each worker of these takes whole batches
NOTABLE = 0.15  # of a worker's time: below it, idling limits nothing


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a choice will cost for one batch size."""

    seconds: float  # one call
    period: float  # a batch in a long stream
    bubble: float  # share of the workers' time in a call that they idle
    loads: tuple[float, ...]  # seconds that each worker computes in a call
    limit: str
    timeline: Timeline


def predict(model: CostModel, choice: Choice, samples: int) -> Prediction:
    """Simulate a choice on a machine.

    The period of a batch in a stream is the busiest worker's time, as the stages of one batch overlap those of the
    next; where each worker takes whole batches, it is the time of one batch over the number of workers.
    """
    call = predict_plan(model, arrange(model.program, choice, samples))
    if choice.schedule not in SHARES_BATCHES:
        return call
    alone = replace(choice, schedule="serial", workers=1)
    busy = sum(map(sum, item_seconds(model, arrange(model.program, alone, samples), choice.workers)))
    return replace(call, period=(busy + model.rates.run) / choice.workers)


def predict_plan(model: CostModel, plan: Plan) -> Prediction:
    """Simulate a plan on a machine."""
    seconds = item_seconds(model, plan)
    rates = model.rates
    starts = [0.0] + [rates.wake] * (len(plan.workers) - 1)
    names = [step.op for step in model.program.steps]
    timeline = simulate(plan, seconds, hand_off=rates.hand_off, starts=starts, names=names)
    loads = tuple(sum(sum(seconds[i]) for i in worker) for worker in plan.workers)
    last = max((span.end for span in timeline.spans), default=0.0)
    bubble = idle_fraction(timeline, len(plan.workers)) if len(plan.workers) > 1 else 0.0
    return Prediction(
        last + rates.run,
        max(loads, default=0.0) + rates.run,
        bubble,
        loads,
        _limit(model, plan, loads, bubble),
        timeline,
    )


def item_seconds(model: CostModel, plan: Plan, beside: int = 1) -> list[list[float]]:
    """Seconds of each step of each item; ``beside`` runs of the plan share the machine."""
    steps_of = [
        sorted({step for i in worker for step in plan.stages[plan.items[i].stage].steps}) for worker in plan.workers
    ]
    worker_of = {item: w for w, worker in enumerate(plan.workers) for item in worker}
    shares_weights = beside > 1 or plan.schedule in SHARES_BATCHES or any(s.part[1] > 1 for s in plan.stages)
    together = beside * sum(bool(worker) for worker in plan.workers)
    cache: dict[tuple[int, int, int], list[float]] = {}
    devices = plan.devices or ("cpu",) * len(plan.workers)
    result = []
    for number, item in enumerate(plan.items):
        samples = plan.micro_batches[item.micro_batch].samples
        key = (item.stage, samples, worker_of[number])
        if key not in cache:
            stage = plan.stages[item.stage]
            if devices[key[2]] != "cpu":
                cache[key] = _on_gpu(model, stage.steps, samples)
                result.append(cache[key])
                continue
            shares = stage.part[1]
            held = model.held(
                steps_of[key[2]], samples, together, shared=shares_weights, threads=plan.threads, shares=shares
            )
            times = [model.step(step, samples, plan.threads, held, shares) for step in stage.steps]
            if times:
                times[0] += model.rates.item + received(model, plan, number, worker_of) / model.rates.l3
            cache[key] = times
        result.append(cache[key])
    return result


def _on_gpu(model: CostModel, steps: Sequence[int], samples: int) -> list[float]:
    """Seconds of each step on a GPU, the way there and back over its link in the first."""
    times = [gpu_step(model, step, samples) for step in steps]
    if times:
        moved = boundary_bytes(model.program, model.types(samples), steps)
        times[0] += 2 * model.rates.link_call + moved / model.rates.link
    return times


def received(model: CostModel, plan: Plan, number: int, worker_of: dict[int, int]) -> float:
    """Bytes that an item reads of what other workers wrote."""
    item = plan.items[number]
    elsewhere = {
        step
        for other in item.after
        if worker_of[other] != worker_of[number] and plan.items[other].micro_batch == item.micro_batch
        for step in plan.stages[plan.items[other].stage].steps
    }
    if not elsewhere:
        return 0.0
    producers = model.program.producers()
    types = model.types(plan.micro_batches[item.micro_batch].samples)
    values = {
        i
        for step in plan.stages[item.stage].steps
        for i in model.program.steps[step].inputs
        if i is not None and producers.get(i) in elsewhere
    }
    return float(sum(size_in_bytes(types[i]) for i in values))


def _limit(model: CostModel, plan: Plan, loads: Sequence[float], bubble: float) -> str:
    """What most of the busiest worker's time goes into, or what keeps the others idle."""
    if not any(loads):
        return "nothing to compute"
    if plan.devices:
        return "GPU and link"
    busiest = max(range(len(loads)), key=lambda w: loads[w])
    share = loads[busiest] / sum(loads)
    if bubble > NOTABLE and len(loads) > 1:
        if share > (1 + NOTABLE) / len(loads):
            return f"worker {busiest} has {share:.0%} of the work"
        return "filling and draining" if plan.schedule in ("pipeline", "replicated", "hybrid") else "waiting and waking"
    parts: dict[str, float] = {}
    for number in plan.workers[busiest]:
        item = plan.items[number]
        samples = plan.micro_batches[item.micro_batch].samples
        stage = plan.stages[item.stage]
        held = model.held(stage.steps, samples, len(loads), threads=plan.threads)
        for step in stage.steps:
            work = model.works(samples)[step].part(stage.part[1])
            what = model.limit(work, plan.threads, held)
            parts[what] = parts.get(what, 0.0) + model.step(step, samples, plan.threads, held, stage.part[1])
    return max(parts, key=lambda what: parts[what])
