"""What a machine has, and what calibration measured of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from stretto import _core

__all__ = ["Held", "Machine", "Rates", "this_machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores, caches and devices. Sizes in bytes."""

    cores: int
    l2: int = 1 << 20  # of each core
    l3: int = 32 << 20  # shared by the cores of a NUMA node
    nodes: int = 1
    gpus: int = 0
    gpu_memory: int = 80 << 30
    name: str = ""  # processor and instruction set: tables of one are of no use on another


@dataclass(frozen=True, slots=True)
class Rates:
    """What calibration measured of a machine; the defaults are a core of no particular make.

    Rates are a second and, but for ``memory_all``, of one core; overheads are in seconds.
    """

    flops: float = 5e10
    together: float = 1.0  # share of its rates that a core keeps while all compute: two may be threads of one
    l2: float = 5e10  # bytes from a core's own cache
    l3: float = 2e10
    memory: float = 1e10
    memory_all: float = 2.5e10  # all cores of a node together
    remote: float = 0.6  # share of that which is left when the bytes lie on another node
    call: float = 2e-7  # each step
    item: float = 3e-7  # each item
    run: float = 5e-6  # each call of a plan
    hand_off: float = 5e-7  # to a worker that polls
    wake: float = 3e-5  # until a sleeping worker begins
    fork: float = 3e-6  # a step on several threads
    gpu_flops: float = 4e13
    gpu_memory: float = 2e12
    gpu_call: float = 4e-6
    link: float = 2e10  # bytes between host and GPU
    link_call: float = 1e-5


@dataclass(frozen=True, slots=True)
class Held:
    """Which level of memory serves a worker: ``"l2"``, ``"l3"`` or ``"memory"``; and how many draw on it at once."""

    weights: str = "l2"
    activations: str = "l2"
    workers: int = 1
    is_remote: bool = False  # the weights lie on another NUMA node


def this_machine() -> Machine:
    """The machine this runs on, as far as the process may use it."""
    found = _core.machine()
    cores = _core.resolve_threads(0)
    name = f"{_processor()} {found['isa_chosen']}"
    return Machine(cores, found["l2_bytes"] or 1 << 20, found["l3_bytes"] or 8 << 20, _nodes(), name=name)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        fields = {}
    named = {key.strip(): value.strip() for key, value in fields.items()}
    return named.get("model name") or named.get("CPU part") or platform.machine()


def _nodes() -> int:
    try:
        entries = os.listdir("/sys/devices/system/node")
    except OSError:
        return 1
    return max(1, sum(entry[4:].isdigit() for entry in entries if entry.startswith("node")))
