"""``st.plan`` for arrays on GPUs: one order, so nothing is measured."""

from __future__ import annotations

import re
from typing import Any

from stretto.program import Program
from stretto.runner import Runner
from stretto.schedule.arrange import arrange
from stretto.schedule.memory import arena_bytes
from stretto.schedule.plan import Choice, Plan

__all__ = ["check_gpu_options", "gpus_of", "plan_on_gpus"]

ONE_STREAM = ("serial", "depth_first")  # the schedules of a GPU


def gpus_of(devices: Any, example: int | None) -> tuple[int, ...]:
    """The GPUs of ``devices=``, the example's own first; none for the host. ``example``: its GPU, or None."""
    named = () if devices is None else tuple(devices) if isinstance(devices, (list, tuple)) else (devices,)
    if named in ((), ("cpu",)):
        if named and example is not None:
            raise ValueError("plan: devices is 'cpu', but the example is on a GPU; leave it out, or pass a NumPy array")
        return () if example is None else (example,)
    numbers = [re.fullmatch(r"gpu:(\d+)", str(name)) for name in named]
    if not all(numbers) or len(set(named)) < len(named):
        raise ValueError(
            f"plan: unknown devices: {devices!r}; it must be 'cpu', or different ones of 'gpu:0', 'gpu:1', ..."
        )
    gpus = [int(number[1]) for number in numbers if number]
    if example is None:
        raise NotImplementedError(f"plan: devices is {devices!r}, but the example is in host memory; pass a CuPy array")
    if example not in gpus:
        raise ValueError(f"plan: devices is {devices!r}, but the example is on 'gpu:{example}'; name that one too")
    return (example, *(gpu for gpu in gpus if gpu != example))


def check_gpu_options(workers: int | None, threads: int | None) -> None:
    """Refuse what has no meaning on a GPU."""
    for name, count in (("workers", workers), ("threads", threads)):
        if count not in (None, 1):
            raise NotImplementedError(f"plan: {name} is {count}, but on a GPU there is one stream yet; leave it out")


def plan_on_gpus(
    program: Program,
    schedule: str | Choice | Plan | None,
    micro_batch: int | None,
    memory_limit: int | None,
    samples: int,
    gpus: tuple[int, ...],
) -> Runner:
    """A plan whose one worker is the stream of its calls."""
    choice = Choice.of(schedule) if isinstance(schedule, Plan) else schedule
    if not isinstance(choice, Choice):
        choice = Choice(choice or "serial", micro_batch=micro_batch)
    if choice.schedule not in ONE_STREAM or choice.workers > 1:
        raise NotImplementedError(
            f"plan: the schedule {choice} does not run on a GPU yet: there is one stream; "
            f"it must be {' or '.join(map(repr, ONE_STREAM))}"
        )
    taken = arena_bytes(program, arrange(program, choice, samples))
    if memory_limit is not None and taken > memory_limit:
        raise ValueError(f"plan: memory_limit is too small: {memory_limit} bytes; the arena of {choice} takes {taken}")
    runner = Runner(program, choice)
    runner.live_on(gpus)
    runner._home.get(samples)
    return runner
