"""Predicted against measured: steps at batches that calibration has not seen, unknown ops, and whole plans."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import stretto as st
from stretto import _core
from stretto.inputs import bind_inputs
from stretto.measuring import StepClock
from stretto.opening import Shop
from stretto.runner import Runner
from tqdm import tqdm

from bench.networks import Network, named
from bench.schedules.choices import counts, every_choice
from bench.schedules.points import Point, points
from bench.schedules.prediction import Predictor
from bench.schedules.result import Result, aligned, duration, heading
from bench.schedules.timing import median, take_turns

CALIBRATED = 64  # samples: the batch that steps are calibrated for
BETWEEN = (3, 5, 12, 24, 48)  # samples that calibration for that batch does not measure
LEAST_SECONDS = 1e-6  # of a step that is judged: below it the clock is a part of what is measured
PLANS_EACH = 6  # of each network and batch
KINDS = ("step", "op", "plan")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many points, and which plans."""
    parser.add_argument("--networks", help="names, separated by commas (default: all)")
    parser.add_argument("--batches", default="1,8,64", help="of the plans")
    parser.add_argument("--ops", type=int, default=120, help="single ops of random sizes")
    parser.add_argument("--seed", type=int, default=0, help="of those sizes")
    parser.add_argument("--workers", type=int, default=_core.resolve_threads(0))
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=1.0, help="that calibrating a network may take")


def measure(arguments: argparse.Namespace) -> Result:
    """Rows of what, predicted and measured seconds."""
    rows: list[Result] = []
    networks = named(arguments.networks)
    for network in tqdm(networks, desc="steps", unit="network", disable=None):
        rows += step_rows(network, arguments)
    drawn = points(arguments.ops, arguments.seed)
    for number, point in enumerate(tqdm(drawn, "ops", arguments.ops, unit="op", disable=None)):
        threads = counts(arguments.workers)
        rows.append(op_row(point, threads[number // 2 % len(threads)], arguments.rounds))
    cases = [(network, int(batch)) for network in networks for batch in arguments.batches.split(",")]
    for network, batch in tqdm(cases, desc="plans", unit="case", disable=None):
        rows += plan_rows(network, batch, arguments)
    return {"rows": rows, "summary": {kind: summary(rows, kind) for kind in KINDS}}


def step_rows(network: Network, arguments: argparse.Namespace) -> list[Result]:
    """Every step of a network, calibrated for one batch, at other batches."""
    inputs = network.example(CALIBRATED)
    program = st.trace(network.make(), *inputs)
    predictor = Predictor(program, inputs, arguments.workers, arguments.seconds)
    rows = []
    for batch in BETWEEN:
        for threads in counts(arguments.workers):
            if predictor.is_measured(batch, threads):
                continue
            measured = measured_steps(program, network.example(batch), threads, arguments.rounds)
            for i, seconds in measured.items():
                if seconds >= LEAST_SECONDS:
                    op, predicted = program.steps[i].op, predictor.step(i, batch, threads)
                    rows.append(_row("step", network.name, op, batch, threads, predicted, seconds))
    return rows


def op_row(point: Point, threads: int, rounds: int) -> Result:
    """One op alone, by the machine's rates and nothing else."""
    x = point.example()
    program = st.trace(point.function, x)
    (measured,) = measured_steps(program, (x,), threads, rounds).values()
    predicted = Predictor(program).step(0, point.batch, threads)
    return _row("op", point.op, point.size, point.batch, threads, predicted, measured)


def measured_steps(program: st.Program, inputs: Sequence[Any], threads: int, rounds: int) -> dict[int, float]:
    """Median seconds of each step that does something, of serial runs that follow others."""
    clock = StepClock(Shop(program, threads), inputs)
    samples = bind_inputs(program, inputs)[1]
    runs = [clock(samples, threads) for _ in range(rounds)]
    return {step: median(own) for step, own in enumerate(zip(*runs, strict=True)) if any(own)}


def plan_rows(network: Network, batch: int, arguments: argparse.Namespace) -> list[Result]:
    """Several plans of one network: a spread over every choice there is."""
    inputs = network.example(batch)
    program = st.trace(network.make(), *inputs)
    predictor = Predictor(program, inputs, arguments.workers, arguments.seconds)
    choices = every_choice(predictor.model, batch, arguments.workers)
    picked = np.unique(np.linspace(0, len(choices) - 1, PLANS_EACH).round().astype(int))
    chosen = [choices[i] for i in picked]
    shop = Shop(program, arguments.workers)
    with ExitStack() as open_runners:
        runners = [open_runners.enter_context(Runner(program, choice, _shop=shop)) for choice in chosen]
        samples = take_turns([partial(runner, *inputs) for runner in runners], arguments.rounds)
    return [
        _row("plan", network.name, str(c), batch, c.workers * c.threads, predictor.plan(c, batch), median(own))
        for c, own in zip(chosen, samples, strict=True)
    ]


def _row(kind: str, what: str, detail: str, batch: int, threads: int, predicted: float, measured: float) -> Result:
    where = {"kind": kind, "what": what, "detail": detail, "batch": batch, "threads": threads}
    return {**where, "predicted": predicted, "measured": measured}


def summary(rows: Sequence[Result], kind: str) -> Result | None:
    """Median and 90th percentile of the relative error; None without rows of the kind."""
    errors = [error(row) for row in rows if row["kind"] == kind]
    if not errors:
        return None
    middle, high = np.percentile(errors, [50, 90])
    return {"points": len(errors), "median_error": float(middle), "percentile_90": float(high)}


def error(row: Result) -> float:
    """By how much the prediction is off, of what was measured."""
    return float(abs(row["predicted"] / row["measured"] - 1))


def table(result: Result) -> str:
    """Each network and op with its median error, then the summary."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for row in result["rows"]:
        groups.setdefault((row["kind"], row["what"]), []).append(row)
    lines = [("", "what", "points", "fastest", "slowest", "predicted / measured", "median error")]
    for (kind, what), rows in groups.items():
        measured = [row["measured"] for row in rows]
        ratio = median([row["predicted"] / row["measured"] for row in rows])
        error_here = median([error(row) for row in rows])
        times = (duration(min(measured)), duration(max(measured)))
        lines.append((kind, what, str(len(rows)), *times, f"{ratio:.2f}", f"{error_here:.1%}"))
    last = [
        f"{found['points']} {kind}s: median error {found['median_error']:.1%}, "
        f"nine in ten below {found['percentile_90']:.1%}"
        for kind, found in result["summary"].items()
        if found
    ]
    return "\n".join([heading(result), *aligned(lines, 2), *last])
