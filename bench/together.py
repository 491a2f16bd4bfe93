"""Two independent jobs at once on two workers, against each alone on one.

python bench/together.py --rounds 11 --out together.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import stretto as st  # noqa: E402
from stretto.bench import machine  # noqa: E402
from stretto.demo.digits import load_network, load_scans  # noqa: E402

from bench.commit import commit  # noqa: E402

WORKERS = 2
SAMPLE_SECONDS = 0.0005
SETTLE_SECONDS = 0.05

MakeJob = Callable[[], st.Job]


def features(images: Any, batches: int) -> Iterator[Any]:
    """Python work with NumPy: how bright and how sharp each image of a batch is."""
    for _ in range(batches):
        edges = np.abs(images - np.roll(images, 1, 2)) + np.abs(images - np.roll(images, 1, 3))
        yield np.stack([images.mean((1, 2, 3)), np.sqrt(edges).mean((1, 2, 3))], axis=1)


def pairs(seconds: float) -> tuple[dict[str, tuple[MakeJob, MakeJob]], list[st.Runner]]:
    """Pairs of jobs, each about so long alone, and the plans to close."""
    scans, _ = load_scans()
    dense = st.Sequential(st.Linear(512, 1024, activation="relu", rng=0), st.Linear(1024, 512, rng=1))
    rows = np.random.default_rng(0).normal(size=(64, 512)).astype("f4")
    images = scans[:256]
    digits = st.plan(load_network(), images, schedule="serial")
    layers = st.plan(dense, rows, schedule="serial")
    counts = {
        "digits": count_for(lambda: digits(images), seconds),
        "dense": count_for(lambda: layers(rows), seconds),
        "python": count_for(lambda: list(features(images, 1)), seconds),
    }
    jobs: dict[str, MakeJob] = {
        "digits": lambda: st.Job(digits, [images] * counts["digits"], name="digits"),
        "dense": lambda: st.Job(layers, [rows] * counts["dense"], name="dense"),
        "python": lambda: st.Job(features(images, counts["python"]), name="python"),
    }
    names = (("digits", "dense"), ("digits", "python"))
    return {f"{a} and {b}": (jobs[a], jobs[b]) for a, b in names}, [digits, layers]


def count_for(call: Callable[[], object], seconds: float) -> int:
    """How many calls take about so long."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        call()
        times += [time.perf_counter() - begin]
    return max(1, round(seconds / statistics.median(times)))


def measure(jobs: tuple[MakeJob, MakeJob], rounds: int) -> dict[str, Any]:
    """Medians of each alone on one worker and both on two, taking turns, and the most threads seen at work."""
    alone: tuple[list[float], list[float]] = ([], [])
    both: list[float] = []
    ratios = []
    for _ in range(rounds):
        for times, job in zip(alone, jobs, strict=True):
            times.append(seconds_of([job()], 1))
        both.append(seconds_of([job() for job in jobs], WORKERS))
        ratios.append(both[-1] / max(alone[0][-1], alone[1][-1]))
    return {
        "alone_seconds": [statistics.median(times) for times in alone],
        "together_seconds": statistics.median(both),
        "over_the_longer": statistics.median(ratios),
        "threads_at_work": most_at_work(jobs),
    }


def seconds_of(jobs: list[st.Job], workers: int) -> float:
    """Seconds that jobs take together; an error of one is raised."""
    begin = time.perf_counter()
    results = st.together(*jobs, workers=workers)
    seconds = time.perf_counter() - begin
    for result in results:
        result.result()
    return seconds


def most_at_work(jobs: tuple[MakeJob, MakeJob]) -> int:
    """The most threads that compute at once, sampled; the sampler and the caller, who waits, do not count."""
    time.sleep(SETTLE_SECONDS)  # for the threads of the run before to end
    done = threading.Event()
    most = 0
    caller = threading.get_native_id()

    def sample() -> None:
        nonlocal most
        outside = {str(caller), str(threading.get_native_id())}
        while not done.wait(SAMPLE_SECONDS):
            tasks = [task for task in Path("/proc/self/task").iterdir() if task.name not in outside]
            most = max(most, sum(map(computes, tasks)))

    sampler = threading.Thread(target=sample)
    sampler.start()
    seconds_of([job() for job in jobs], WORKERS)
    done.set()
    sampler.join()
    return most


def computes(task: Path) -> bool:
    """Whether a thread is on a core, or wants to be."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each job alone, about")
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    options = parser.parse_args()
    made, plans = pairs(options.seconds)
    try:
        rows = {name: measure(jobs, options.rounds) for name, jobs in made.items()}
    finally:
        for plan in plans:
            plan.close()
    result = {"machine": machine.describe(), "commit": commit(), "rounds": options.rounds, "pairs": rows}
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
