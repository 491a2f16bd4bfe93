"""Batched matmul, convolution and layer networks for NumPy: the same bits, whatever the schedule."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stretto._core import PreparedWeight, __version__
from stretto.headers import get_include
from stretto.layers import *  # noqa: F403
from stretto.layers import __all__ as _layer_names
from stretto.ops import *  # noqa: F403
from stretto.ops import __all__ as _op_names
from stretto.program import Program
from stretto.threads import limit_threads
from stretto.timeline import Timeline
from stretto.tracing import trace

if TYPE_CHECKING:
    from stretto.cuda import cuda_available, cuda_status
    from stretto.jobs import Job, JobResult, JobResults, together
    from stretto.planning import plan
    from stretto.progress import ProgressEvent
    from stretto.runner import Runner
    from stretto.schedule.plan import Choice, Plan
    from stretto.stream import Stream

__all__ = [
    "Choice",
    "Job",
    "JobResult",
    "JobResults",
    "Plan",
    "PreparedWeight",
    "Program",
    "ProgressEvent",
    "Runner",
    "Stream",
    "Timeline",
    "__version__",
    "cuda_available",
    "cuda_status",
    "get_include",
    "limit_threads",
    "plan",
    "together",
    "trace",
    *_layer_names,
    *_op_names,
]

# Planning is imported when it is first used: calls of kernels have no need of it.
_LATER = {
    "Choice": "stretto.schedule.plan",
    "Job": "stretto.jobs",
    "JobResult": "stretto.jobs",
    "JobResults": "stretto.jobs",
    "Plan": "stretto.schedule.plan",
    "ProgressEvent": "stretto.progress",
    "Runner": "stretto.runner",
    "Stream": "stretto.stream",
    "cuda_available": "stretto.cuda",
    "cuda_status": "stretto.cuda",
    "plan": "stretto.planning",
    "together": "stretto.jobs",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
