"""Batched matmul, convolution and layer networks for NumPy: the same bits, whatever the schedule."""

from __future__ import annotations

from stretto._core import PreparedWeight, __version__
from stretto.layers import *  # noqa: F403
from stretto.layers import __all__ as _layer_names
from stretto.ops import *  # noqa: F403
from stretto.ops import __all__ as _op_names
from stretto.planning import plan
from stretto.program import Program
from stretto.progress import ProgressEvent
from stretto.runner import Runner
from stretto.stream import Stream
from stretto.threads import limit_threads
from stretto.timeline import Timeline
from stretto.tracing import trace

__all__ = [
    "PreparedWeight",
    "Program",
    "ProgressEvent",
    "Runner",
    "Stream",
    "Timeline",
    "__version__",
    "limit_threads",
    "plan",
    "trace",
    *_layer_names,
    *_op_names,
]
