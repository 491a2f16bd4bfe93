"""How much slower the chosen plan is than the best of all, when all are timed afterwards."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial
from typing import Any

import stretto as st
from stretto import _core
from stretto.opening import Shop
from stretto.runner import Runner
from stretto.schedule.plan import Choice
from tqdm import tqdm

from bench.networks import Network, named
from bench.schedules.choices import every_choice, plan_of
from bench.schedules.prediction import Predictor
from bench.schedules.result import Result, aligned, duration, heading
from bench.schedules.timing import ROUNDS, median, ratio_interval, take_turns

ALLOWED = 1.05  # a regret counts when its interval lies above


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Networks, batches, and how long."""
    parser.add_argument("--networks", help="names, separated by commas (default: all)")
    parser.add_argument("--batches", default="1,8,64")
    parser.add_argument("--workers", type=int, default=_core.resolve_threads(0))
    parser.add_argument("--objective", default="throughput", choices=("throughput", "latency"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=1.0, help="that st.plan may calibrate")


def measure(arguments: argparse.Namespace) -> Result:
    """Choose, then time every candidate."""
    cases = [(n, int(b)) for n in named(arguments.networks) for b in arguments.batches.split(",")]
    rows = [_row(network, batch, arguments) for network, batch in tqdm(cases, desc="regret", unit="case", disable=None)]
    counted = [row for row in rows if row["counts"]]
    return {
        "rows": rows,
        "schedules_chosen": sorted({row["schedule"] for row in rows}),
        "worst": max(row["regret"] for row in rows),
        "counted": len(counted),
    }


def _row(network: Network, batch: int, arguments: argparse.Namespace) -> Result:
    inputs = network.example(batch)
    program = st.trace(network.make(), *inputs)
    options = {"objective": arguments.objective, "workers": arguments.workers, "calibrate": arguments.seconds}
    with st.plan(program, inputs, **options) as plan:
        chosen = plan.choice
    model = Predictor(program, inputs, arguments.workers, arguments.seconds).model
    others = every_choice(model, batch, arguments.workers)
    same = plan_of(program, chosen, batch)
    choices = [chosen, *(c for c in others if plan_of(program, c, batch) != same)]
    samples = _timed(program, choices, inputs, arguments)
    best = min(range(len(choices)), key=lambda i: median(samples[i]))
    regret = ratio_interval(samples[0], samples[best])
    counts = regret[1] > ALLOWED
    row: Result = {
        "network": network.name,
        "batch": batch,
        "schedule": chosen.schedule,
        "chosen": str(chosen),
        "best": str(choices[best]),
        "regret": regret[0],
        "interval": regret[1:],
        "counts": counts,
        "candidates": [{"choice": str(c), "median": median(s)} for c, s in zip(choices, samples, strict=True)],
    }
    if counts:  # the best of many is also the luckiest of many: the two alone once more
        again = ratio_interval(*_timed(program, [chosen, choices[best]], inputs, arguments))
        row["again"] = {"regret": again[0], "interval": again[1:], "counts": again[1] > ALLOWED}
    return row


def _timed(
    program: st.Program, choices: list[Choice], inputs: tuple[Any, ...], arguments: argparse.Namespace
) -> list[list[float]]:
    shop = Shop(program, arguments.workers)
    with ExitStack() as open_runners:
        runners = [open_runners.enter_context(Runner(program, choice, _shop=shop)) for choice in choices]
        return take_turns([partial(runner, *inputs) for runner in runners], arguments.rounds)


def table(result: Result) -> str:
    """A line for each network and batch."""
    lines = [("network", "batch", "chosen", "best", "time", "candidates", "regret", "95 % interval", "")]
    for row in result["rows"]:
        again = row.get("again")
        lines.append(
            (
                row["network"],
                str(row["batch"]),
                row["chosen"],
                row["best"] if row["best"] != row["chosen"] else "the same",
                duration(row["candidates"][0]["median"]),
                str(len(row["candidates"])),
                f"{row['regret']:.3f}",
                "{:.3f} to {:.3f}".format(*row["interval"]),
                "" if again is None else f"counts; alone again {again['regret']:.3f}",
            )
        )
    chosen = result["schedules_chosen"]
    last = [
        f"{result['counted']} of {len(result['rows'])} regrets count (above {ALLOWED}); worst {result['worst']:.3f}",
        f"{len(chosen)} schedules chosen: {', '.join(chosen)}",
    ]
    return "\n".join([heading(result), *aligned(lines, 4), *last])
