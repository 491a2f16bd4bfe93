"""Batched matmul, convolution and layer networks for NumPy: the same bits, whatever the schedule."""

from __future__ import annotations

from stretto._core import PreparedWeight, __version__
from stretto.ops import *  # noqa: F403
from stretto.ops import __all__ as _op_names
from stretto.threads import limit_threads

__all__ = ["PreparedWeight", "__version__", "limit_threads", *_op_names]
