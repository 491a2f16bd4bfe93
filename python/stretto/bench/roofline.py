"""What the machine reaches, measured, and the least time that a case can take on it.

S. Williams, A. Waterman, D. Patterson, Roofline: an insightful visual performance model for multicore architectures,
2009; here with a roof for each level of memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from stretto import _core

__all__ = ["Bound", "Peaks", "bound", "float_isa", "measure_peaks"]

STREAMS = ("read", "copy", "write")
RATE_SECONDS = 0.05  # of each instruction set and dtype, of each size and kind of stream
LEAST_BYTES = 16 << 10  # of each thread's working set
MOST_BYTES = 1 << 30  # of all, unless the caches hold more

Rates: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Peaks:
    """What so many threads reach together: operations a second, and bytes a second by size of the working set.

    ``streams[i]["copy"]`` is for a working set of ``sizes[i]`` bytes, half of it read and half written, both counted.
    ``held`` are the bytes that each level of memory holds.
    """

    isa: str
    threads: int
    flops: Mapping[str, Rates]  # by instruction set, then dtype
    sizes: Sequence[int]
    streams: Sequence[Rates]
    held: Mapping[str, int]

    def merged(self, other: Peaks) -> Peaks:
        """The better of two measurements of one machine: what else runs can only slow one down."""
        flops = {isa: _better(own, other.flops[isa]) for isa, own in self.flops.items()}
        streams = [_better(a, b) for a, b in zip(self.streams, other.streams, strict=True)]
        return replace(self, flops=flops, streams=streams)

    def byte_seconds(self, size: float, written: float) -> float:
        """Seconds for a byte of a working set of ``size`` bytes, a share of which is written.

        Between the measured sizes and shares (none, half, all) the time changes linearly, sizes taken as logarithms.
        """
        times = [
            float(np.interp(written, (0.0, 0.5, 1.0), [1 / rates[kind] for kind in STREAMS])) for rates in self.streams
        ]
        return float(np.interp(math.log(max(size, 1)), np.log(self.sizes), times))

    def level(self, size: float) -> str:
        """The level of memory that holds so many bytes."""
        return next((level for level, held in self.held.items() if size <= held), "memory")


def _better(a: Rates, b: Rates) -> Rates:
    return {key: max(a[key], b[key]) for key in a}


@dataclass(frozen=True, slots=True)
class Bound:
    """The least seconds, and what sets them: ``"flops"`` or the level of memory."""

    seconds: float
    by: str


def measure_peaks(threads: int, seconds: float = RATE_SECONDS) -> Peaks:
    """Measure all rates on so many threads at once, in about three seconds.

    Parameters
    ----------
    threads : int
        Each has a part of the working set; the rates are their sums.
    seconds : float
        For each rate.
    """
    machine = _core.machine()
    held = {"l1": threads * machine["l1d_bytes"], "l2": threads * machine["l2_bytes"]}
    if machine["l3_bytes"]:
        held["l3"] = machine["l3_bytes"]
    largest = max(held.values())
    sizes = [threads * LEAST_BYTES]
    while sizes[-1] < min(8 * largest, max(2 * largest, MOST_BYTES)):
        sizes.append(2 * sizes[-1])
    with ThreadPoolExecutor(threads) as pool:

        def together(call: Callable[[], Any]) -> list[Any]:
            return list(pool.map(lambda _: call(), range(threads)))

        each = together(lambda: _core.fma_peaks(seconds))
        flops = {isa: {dtype: sum(own[isa][dtype] for own in each) for dtype in each[0][isa]} for isa in each[0]}
        streams = [{kind: sum(together(_stream(kind, size // threads, seconds))) for kind in STREAMS} for size in sizes]
    return Peaks(float_isa(), threads, flops, sizes, streams, held)


def _stream(kind: str, size: int, seconds: float) -> Callable[[], float]:
    return lambda: _core.stream_peak(kind, size, seconds)


def float_isa() -> str:
    """The instruction set of the kernels for float32: the chosen one without extensions for bytes and bfloat16."""
    return str(_core.machine()["isa_chosen"]).removesuffix("amx").removesuffix("vnni")


def bound(peaks: Peaks, flops: float, read: float, written: float, dtype: str) -> Bound | None:
    """The least time of a case: its operations at the peak, or its compulsory bytes from the level that holds them.

    Parameters
    ----------
    peaks : Peaks
    flops : float
        Operations, an fma counting as two.
    read, written : float
        Bytes of the inputs, each once, and of the output, once.
    dtype : str
        Of the arrays; 16-bit floats are computed in float32.

    Returns
    -------
    Bound or None
        None where nothing was measured: ``STRETTO_ISA=reference`` is held against nothing.

    Examples
    --------
    >>> rates = {"read": 4e10, "copy": 2e10, "write": 1e10}
    >>> peaks = Peaks("avx2", 1, {"avx2": {"float32": 1e11}}, [16384], [rates], {"l1": 32768})
    >>> bound(peaks, 2e11, 8e3, 4e3, "float32")
    Bound(seconds=2.0, by='flops')
    >>> bound(peaks, 1.0, 4e9, 4e9, "float32")
    Bound(seconds=0.4, by='memory')
    """
    if peaks.isa not in peaks.flops:
        return None
    computed = "float64" if dtype == "float64" else "float32"
    arithmetic = flops / peaks.flops[peaks.isa][computed]
    moved = read + written
    memory = moved * peaks.byte_seconds(moved, written / moved) if moved else 0.0
    return Bound(arithmetic, "flops") if arithmetic >= memory else Bound(memory, peaks.level(moved))
