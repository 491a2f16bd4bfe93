"""The functions on arrays: one thin call each into the compiled ops."""

from __future__ import annotations

from stretto.ops.matmul import matmul
from stretto.ops.prepare import prepare

__all__ = ["matmul", "prepare"]
