"""A library in a process of its own, and the pipe to it."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stretto.bench import peers

__all__ = ["SETTLE_SECONDS", "Peer", "statistics_of", "take_turns"]

START = Path(peers.__file__).with_name("start.py")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "STRETTO_NUM_THREADS")
SETTLE_SECONDS = 0.02  # for another peer's idle threads to stop spinning


class Peer:
    """A worker process; ``about`` says which versions it has, or why it is absent.

    Parameters
    ----------
    name : str
        A key of ``stretto.bench.peers.MODULES``, or what the worker knows.
    python : str
        The interpreter.
    threads : int
    worker : str
        A module with ``serve(peer, threads)``.
    paths : sequence of str
        Where else the interpreter looks for modules.
    """

    def __init__(
        self,
        name: str,
        python: str,
        threads: int,
        worker: str = "stretto.bench.peers.worker",
        paths: Sequence[str] = (),
    ) -> None:
        self.name = name
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
        if paths:
            environment["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by close)
        self.process: subprocess.Popen[str] | None = None
        try:
            self.process = subprocess.Popen(
                [python, "-P", str(START), worker, name, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.complaints,
                text=True,
                env=environment,
            )
            self.about = self._read(self.process)
        except OSError as error:
            self.about = {"absent": f"{python}: {error.strerror}"}

    @property
    def is_present(self) -> bool:
        """Whether the library could be loaded."""
        return "absent" not in self.about

    def _read(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout
        line = process.stdout.readline()
        reply: dict[str, Any] = json.loads(line) if line else {"absent": self._last_words(process)}
        return reply

    def _last_words(self, process: subprocess.Popen[str]) -> str:
        status = process.wait()
        self.complaints.seek(0)
        return f"its process ended with {status}: {self.complaints.read()[-300:].strip()}"

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        assert self.process is not None
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"failed": self._last_words(self.process)}
        reply = self._read(self.process)
        return {"failed": reply["absent"]} if "absent" in reply else reply

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            assert self.process.stdin
            assert self.process.stdout
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.wait(timeout=30)
            self.process.stdout.close()
        self.complaints.close()


def take_turns(
    peers: Sequence[Peer], rounds: int, seconds: float, settle: float
) -> tuple[dict[str, list[list[float]]], dict[str, dict[str, Any]]]:
    """Samples of what each peer has prepared, a list for each of its turns; and the last words of those that failed.

    A peer has ``seconds`` in all; before a turn the others' threads get ``settle`` seconds to fall asleep.
    """
    turns: dict[str, list[list[float]]] = {peer.name: [] for peer in peers}
    lost: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for peer in peers:
            if peer.name in lost:
                continue
            time.sleep(settle)
            reply = peer.ask(do="time", seconds=seconds / rounds)
            if "samples" in reply:
                turns[peer.name].append(reply["samples"])
            else:
                lost[peer.name] = reply
    return {name: own for name, own in turns.items() if name not in lost}, lost


def statistics_of(turns: Sequence[Sequence[float]]) -> dict[str, float]:
    """Best and median seconds, and by how much of the best the turns' own bests differ.

    Examples
    --------
    >>> statistics_of([[2.0, 3.0], [4.0]])
    {'best': 2.0, 'median': 3.0, 'spread': 0.5, 'samples': 3}
    """
    samples = [sample for turn in turns for sample in turn]
    bests = [min(turn) for turn in turns]
    return {
        "best": min(samples),
        "median": statistics.median(samples),
        "spread": statistics.median(bests) / min(bests) - 1,
        "samples": len(samples),
    }
