"""What running by a plan costs: a pipeline of one stage, hand-offs polled and slept through, each step of a call."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import stretto as st
from stretto.runner import Runner
from stretto.schedule.plan import Choice, Stage
from stretto.timeline import Timeline

from bench.networks import NETWORKS
from bench.schedules.result import Result, aligned, duration, heading
from bench.schedules.timing import ROUNDS, median, ratio_interval, take_turns

PIPELINE_NETWORKS = ("digits", "cache_mlp", "transformer")
PIPELINE_BATCH = 8
STEPS = 20
ROW = np.random.default_rng(0).standard_normal((1, 64), np.float32)
STEP_ELEMENTS = (16, 12288)  # of a step of next to no work, and of one of about a microsecond
LONG_SIDE = 1024  # of a product that lasts longer than a worker polls
PAUSE_SECONDS = 0.005  # between calls, for workers to fall asleep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long."""
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=0.02, help="of a turn")


def measure(arguments: argparse.Namespace) -> Result:
    """All of them, one after the other."""
    rows = [one_stage(name, arguments) for name in PIPELINE_NETWORKS]
    rows += [polled(arguments), woken_in_a_run(arguments), woken_by_a_call(arguments)]
    rows += [each_step(elements, arguments) for elements in STEP_ELEMENTS]
    return {"rows": rows}


def one_stage(name: str, arguments: argparse.Namespace) -> Result:
    """Speed of a pipeline of one stage, of serial's."""
    inputs = NETWORKS[name].example(PIPELINE_BATCH)
    program = st.trace(NETWORKS[name].make(), *inputs)
    stages = (Stage("all", tuple(range(len(program.steps)))),)
    pipeline = Choice("pipeline", micro_batch=PIPELINE_BATCH, stages=stages)
    with Runner(program, Choice("serial")) as a, Runner(program, pipeline) as b:
        samples = take_turns([partial(a, *inputs), partial(b, *inputs)], arguments.rounds, arguments.seconds)
    ratio, low, high = ratio_interval(*samples)
    return {"what": f"pipeline of one stage, {name}: speed of serial's", "ratio": ratio, "interval": (low, high)}


def chain(steps: int) -> Callable[[Any], Any]:
    """So many relu, one after the other."""

    def f(x: Any) -> Any:
        for _ in range(steps):
            x = st.relu(x)
        return x

    return f


def alternating(program: st.Program) -> Choice:
    """Two workers that take the steps in turn, so that each step waits for a hand-off."""
    stages = tuple(Stage(f"step {i}", (i,)) for i in range(len(program.steps)))
    odd = tuple(tuple(range(first, len(stages), 2)) for first in (0, 1))
    return Choice("task", 2, stages=stages, placement=odd)


def polled(arguments: argparse.Namespace) -> Result:
    """From the end of a step on one worker to the begin of the next on the other, which polls."""
    program = st.trace(chain(200), ROW)
    with Runner(program, alternating(program)) as runner:
        gaps = _gaps(runner, ROW, arguments.rounds)
    return {"what": "hand-off to a worker that polls", "seconds": median(gaps)}


def woken_in_a_run(arguments: argparse.Namespace) -> Result:
    """The same where the second worker has waited for so long that it sleeps."""
    w = np.zeros((LONG_SIDE, LONG_SIDE), np.float32)
    x = np.zeros((64, LONG_SIDE), np.float32)
    program = st.trace(lambda x: st.relu(st.matmul(x, w)), x)
    with Runner(program, alternating(program)) as runner:
        gaps = _gaps(runner, x, arguments.rounds)
    return {"what": "hand-off to a worker that sleeps, within a run", "seconds": median(gaps)}


def woken_by_a_call(arguments: argparse.Namespace) -> Result:
    """From the begin of a call to the first step of the second worker, both asleep before."""
    x = np.zeros((2, 1 << 18), np.float32)
    program = st.trace(st.relu, x)
    delays = []
    with Runner(program, Choice("data", 2)) as runner:
        runner(x)
        for _ in range(arguments.rounds):
            time.sleep(PAUSE_SECONDS)
            begins = [span.begin for span in runner.timeline(x).spans]
            delays.append(max(begins) - min(begins))
    return {"what": "a call, until its second worker begins", "seconds": median(delays)}


def _gaps(runner: Runner, x: Any, runs: int) -> list[float]:
    """Seconds between successive steps of a chain."""
    runner(x)
    timelines: list[Timeline] = [runner.timeline(x) for _ in range(runs)]
    gaps = []
    for timeline in timelines:
        spans = sorted(timeline.spans, key=lambda span: span.step)
        gaps += [b.begin - a.end for a, b in pairwise(spans)]
    return gaps


def each_step(elements: int, arguments: argparse.Namespace) -> Result:
    """What a call of twenty small steps takes above the steps' own time, for each of them."""
    x = np.random.default_rng(0).standard_normal((1, elements), np.float32)
    many, one = (Runner(st.trace(chain(steps), x), Choice("serial")) for steps in (STEPS, 1))
    with many, one:
        whole, single = take_turns([partial(many, x), partial(one, x)], arguments.rounds, arguments.seconds)
        many(x)
        spans = [span for _ in range(arguments.rounds) for span in many.timeline(x).spans[1:]]
    own = median([span.end - span.begin for span in spans])
    between = (median(whole) - median(single)) / (STEPS - 1)
    return {
        "what": f"a step of {duration(own)} ({elements} elements) in a call of {STEPS}, above its own time",
        "seconds": between - own,
        "step": own,
        "step_and_overhead": between,
        "call": median(whole),
        "call_of_one": median(single),
    }


def table(result: Result) -> str:
    """A line each."""
    lines = [("what", "", "")]
    for row in result["rows"]:
        if "ratio" in row:
            lines.append((row["what"], f"{row['ratio']:.3f}", "{:.3f} to {:.3f}".format(*row["interval"])))
        else:
            lines.append((row["what"], duration(row["seconds"]), ""))
    return "\n".join([heading(result), *aligned(lines)])
