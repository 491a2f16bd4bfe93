"""Run the demo: plan, time every schedule beside plain NumPy, and check accuracy and bits."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

import stretto as st
from stretto import _core
from stretto.demo import plain_numpy
from stretto.demo.digits import TRAINED_ON, load_network, load_scans

SCHEDULES = ("serial", "intra", "data", "task", "pipeline")
LEAST_ACCURACY = 0.97
ROUNDS = 7


@dataclass
class Row:
    """One way of running the network over all scans."""

    name: str
    seconds: float
    scans_per_second: float
    bits_equal: bool | None  # None: not one of ours, no promise


def median_seconds(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median time of each call; the calls take turns, so that a busy moment hits them all."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def measure() -> dict[str, Any]:
    """Run everything and return it as plain data."""
    scans, labels = load_scans()
    network = load_network()
    weights = network.parameters()
    with st.plan(network, scans[:1], schedule="serial", workers=1) as one:
        expected = np.concatenate([one(scan[None]) for scan in scans])
    chosen = st.plan(network, scans)
    # Two workers even on one core: slow there, but the bits can be seen.
    workers = max(2, _core.resolve_threads())
    plans = {name: st.plan(network, scans, schedule=name, workers=workers, calibrate=0.3) for name in SCHEDULES}
    plans["chosen"] = chosen
    outputs = {name: plan(scans) for name, plan in plans.items()}

    calls: dict[str, Callable[[], Any]] = {name: partial(plan, scans) for name, plan in plans.items()}
    calls["plain NumPy"] = partial(plain_numpy.forward, scans, weights)
    seconds = median_seconds(calls)
    rows = [
        Row(name, s, len(scans) / s, bool(np.array_equal(outputs[name], expected)) if name in outputs else None)
        for name, s in seconds.items()
    ]
    right = outputs["chosen"].argmax(axis=1) == labels
    near_numpy = float(np.abs(plain_numpy.forward(scans, weights) - expected).max())
    report = {
        "version": st.__version__,
        "machine": _core.machine(),
        "threads": _core.resolve_threads(),
        "scans": len(scans),
        "parameters": sum(w.size for w in weights.values()),
        "plan": json.loads(chosen.explain(format="json")),
        "schedules": [asdict(row) for row in rows],
        "right": int(right[TRAINED_ON:].sum()),
        "tested": int(right[TRAINED_ON:].size),
        "accuracy": float(right[TRAINED_ON:].mean()),
        "bits_equal": all(row.bits_equal is not False for row in rows),
        "largest_difference_to_numpy": near_numpy,
    }
    report["ok"] = bool(report["bits_equal"] and report["accuracy"] >= LEAST_ACCURACY and near_numpy < 1e-4)
    report["explanation"] = chosen.explain()
    for plan in plans.values():
        plan.close()
    return report


def show(report: dict[str, Any]) -> None:
    machine = report["machine"]
    print(f"stretto {report['version']}: {machine['isa_chosen']}, {report['threads']} threads")
    print(f"{report['scans']:,} scans of handwritten digits through a network of {report['parameters']:,} parameters\n")
    print(report["explanation"], end="\n\n")
    print(f"{'schedule':14}{'time':>12}{'scans/s':>12}   bits equal to serial, one scan at a time")
    for row in report["schedules"]:
        bits = {True: "yes", False: "NO", None: "-"}[row["bits_equal"]]
        print(f"{row['name']:14}{row['seconds'] * 1e3:9.2f} ms{row['scans_per_second']:12,.0f}   {bits}")
    by_name = {row["name"]: row["seconds"] for row in report["schedules"]}
    print(f"\nthe chosen plan is {by_name['plain NumPy'] / by_name['chosen']:.1f} times as fast as plain NumPy")
    right, tested = report["right"], report["tested"]
    print(f"{right} of the last {tested} scans right, which it was not trained on: {report['accuracy']:.2%}")
    print("the bits are equal under every schedule" if report["bits_equal"] else "THE BITS DIFFER BETWEEN SCHEDULES")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Print the report; 0 when accuracy and bits are as promised, 1 otherwise."""
    report = measure()
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        show(report)
    return 0 if report["ok"] else 1
