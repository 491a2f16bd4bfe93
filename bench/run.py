"""Time stretto against other libraries on the published cases, each in a process of its own, taking turns.

python bench/run.py matmul conv --against numpy,torch --out result.json
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from bench import machine, report, truth  # noqa: E402
from bench.peers import OURS, PEERS  # noqa: E402
from tests.cases import GROUPS, Case, published  # noqa: E402

ALIASES = {"matmul": "bmm"}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "STRETTO_NUM_THREADS")
SETTLE_SECONDS = 0.02  # for another peer's idle threads to stop spinning


class Peer:
    """A worker process and the pipe to it."""

    def __init__(self, name: str, python: str, threads: int) -> None:
        self.name = name
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by close)
        self.process = subprocess.Popen(
            [python, "-m", "bench.peers.worker", name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            env=environment,
        )
        self.about = self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        reply: dict[str, Any] = json.loads(line) if line else {"absent": self._last_words()}
        return reply

    def _last_words(self) -> str:
        status = self.process.wait()
        self.complaints.seek(0)
        return f"its process ended with {status}: {self.complaints.read()[-300:].strip()}"

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"failed": self._last_words()}
        reply = self._read()
        return {"failed": reply["absent"]} if "absent" in reply else reply

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.complaints.close()


def run_case(case: Case, peers: list[Peer], arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Verify every peer's result, then let those that are right take turns."""
    arrays = truth.inputs_of(case, arguments.dtype)
    expected = truth.truth_of(case, arrays)
    inputs, result = scratch / "inputs.npz", scratch / "result.npy"
    np.savez(inputs, *arrays)
    entries: dict[str, dict[str, Any]] = {}
    ready = []
    for peer in peers:
        reply = peer.ask(
            do="prepare",
            group=case.group,
            case=case.name,
            dtype=arguments.dtype,
            inputs=str(inputs),
            result=str(result),
        )
        entries[peer.name] = reply
        if "ready" not in reply:
            continue
        worst, relative = truth.error_of(case, arrays, expected, np.load(result), arguments.dtype)
        if worst <= 1:
            entries[peer.name] = {"error": relative}
            ready.append(peer)
        else:
            entries[peer.name] = {"wrong": f"an error is {worst:.3g} of what is allowed", "error": relative}
    turns: dict[str, list[list[float]]] = {peer.name: [] for peer in ready}
    for _ in range(arguments.rounds):
        for peer in list(ready):
            time.sleep(SETTLE_SECONDS if arguments.threads > 1 else 0)
            reply = peer.ask(do="time", seconds=arguments.seconds / arguments.rounds)
            if "samples" in reply:
                turns[peer.name].append(reply["samples"])
            else:
                entries[peer.name] = reply
                ready.remove(peer)
    for peer in ready:
        entries[peer.name] |= statistics_of(turns[peer.name])
    return {
        "group": case.group,
        "name": case.name,
        "op": case.op,
        "shapes": case.shapes,
        "options": case.options,
        "flops": case.flops,
        "bytes": case.bytes,
        "times": entries,
    }


def statistics_of(turns: list[list[float]]) -> dict[str, float]:
    """Best and median seconds, and by how much of the best the turns' own bests differ."""
    samples = [sample for turn in turns for sample in turn]
    bests = [min(turn) for turn in turns]
    return {
        "best": min(samples),
        "median": statistics.median(samples),
        "spread": statistics.median(bests) / min(bests) - 1,
        "samples": len(samples),
    }


def chosen_cases(arguments: argparse.Namespace) -> list[Case]:
    """Cases of the groups asked for, cut down to the names asked for."""
    groups = [ALIASES.get(group, group) for group in arguments.groups or ["bmm", "conv"]]
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise SystemExit(f"run: unknown group: {unknown[0]}; the groups are {', '.join(GROUPS)}")
    cases = [case for group in groups for case in published(group)]
    if not arguments.cases:
        return cases
    wanted = arguments.cases.split(",")
    unknown = [name for name in wanted if name not in {case.name for case in cases}]
    if unknown:
        known = ", ".join(case.name for case in cases)
        raise SystemExit(f"run: unknown case: {unknown[0]}; the cases of {', '.join(groups)} are {known}")
    return [case for case in cases if case.name in wanted]


def parse(command: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)} (default: bmm conv); matmul is bmm")
    parser.add_argument("--against", default=",".join(PEERS), help="peers, separated by commas; none for ours alone")
    parser.add_argument("--cases", help="names of cases, separated by commas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="float32", choices=sorted(truth.EPSILON))
    parser.add_argument("--seconds", type=float, default=0.3, help="for each case and peer")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer in a case")
    parser.add_argument("--plain", action="store_true", help="time our plain call too")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--peak", help="the bench_peak program (default: found below build/)")
    parser.add_argument("--out", help="write the result here as JSON")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    return parser.parse_args(command)


def main(command: list[str] | None = None) -> int:
    """Run, print, write; 1 when a result of ours was wrong or failed."""
    arguments = parse(command)
    cases = chosen_cases(arguments)
    against = [name for name in arguments.against.split(",") if name and name != "none"]
    for name in against:
        if name not in PEERS:
            raise SystemExit(f"run: unknown peer: {name}; the peers are {', '.join(PEERS)}")
    ours = OURS if arguments.plain else OURS[:1]
    peers = [Peer(name, sys.executable, arguments.threads) for name in ours]
    peers += [Peer(name, arguments.peers_python, arguments.threads) for name in against]
    present = [peer for peer in peers if "absent" not in peer.about]
    shared_memory = Path("/dev/shm")
    try:
        with tempfile.TemporaryDirectory(dir=shared_memory if shared_memory.is_dir() else None) as scratch:
            rows = [run_case(case, present, arguments, Path(scratch)) for case in cases]
    finally:
        for peer in peers:
            peer.close()
    result = {
        "format": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": machine.commit(),
        "machine": machine.describe(),
        "peak": machine.peak(arguments.peak),
        "threads": arguments.threads,
        "dtype": arguments.dtype,
        "seconds": arguments.seconds,
        "rounds": arguments.rounds,
        "peers": {peer.name: peer.about for peer in peers},
        "cases": rows,
        "summary": report.summary(rows),
    }
    if arguments.out:
        Path(arguments.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1) if arguments.json else report.table(result))
    wrong = [row for row in rows for name in ours if {"wrong", "failed"} & row["times"].get(name, {}).keys()]
    return 1 if wrong or len(present) < len(peers) - len(against) else 0


if __name__ == "__main__":
    sys.exit(main())
