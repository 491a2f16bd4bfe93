"""Channels of a plan on GPUs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stretto import _core
from stretto.channels import Channels
from stretto.gpu_flow import Flow, GpuFlow
from stretto.opening import Openings, Shop
from stretto.schedule.plan import Choice

__all__ = ["GpuChannels"]

IN_FLIGHT = 3  # on each GPU: one that arrives, one that is computed, one that leaves


class GpuChannels(Channels):
    """Opens channels whose batches go to GPUs in turn, to the plans that calls there use."""

    is_timed = False

    def __init__(
        self,
        shop: Shop,
        choice: Choice,
        take_samples: Callable[[tuple[Any, ...]], int],
        calls: list[Openings[_core.DevicePlan]],
    ) -> None:
        super().__init__(shop, choice, take_samples)
        self._scores = calls

    def _flow(self, in_flight: int, caller_works: bool, is_independent: bool) -> Flow:
        return GpuFlow(in_flight)

    def _usual_in_flight(self, caller_works: bool) -> int:
        return IN_FLIGHT * len(self._scores)
