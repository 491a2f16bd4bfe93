"""One run of a pipeline, predicted and measured, for a Gantt picture."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import stretto as st
from stretto.timeline import Span, Timeline

from bench.networks import named
from bench.schedules.result import Result, heading

RUNS = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which network, how cut."""
    parser.add_argument("--network", default="digits")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--schedule", default="pipeline")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--micro-batch", type=int, default=4)


def measure(arguments: argparse.Namespace) -> Result:
    """The run that took the median of the times, of a few."""
    (network,) = named(arguments.network)
    inputs = network.example(arguments.batch)
    with st.plan(network.make(), inputs) as known:  # measures the steps that the prediction is made of
        program = known.program
    with st.plan(
        program,
        inputs,
        schedule=arguments.schedule,
        workers=arguments.workers,
        micro_batch=arguments.micro_batch,
    ) as plan:
        runs = sorted((plan.timeline(*inputs) for _ in range(RUNS)), key=lambda timeline: timeline.duration)
    middle = runs[RUNS // 2]
    assert middle.predicted
    return {
        "predicted": [asdict(span) for span in middle.predicted.spans],
        "measured": [asdict(span) for span in middle.spans],
    }


def timeline_of(result: Result) -> Timeline:
    """The measured timeline with the predicted one."""
    predicted, measured = (tuple(Span(**span) for span in result[kind]) for kind in ("predicted", "measured"))
    return Timeline(measured, predicted=Timeline(predicted, "predicted"))


def table(result: Result) -> str:
    """As text."""
    return "\n".join([heading(result), timeline_of(result).draw()])
