"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from stretto import ops
from stretto.layers.layer import Layer

__all__ = ["LogSoftmax", "Softmax"]


class Softmax(Layer):
    """:func:`stretto.softmax` as a layer."""

    def __init__(self, axis: int | tuple[int, ...] = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return ops.softmax(x, self.axis)


class LogSoftmax(Layer):
    """:func:`stretto.log_softmax` as a layer."""

    def __init__(self, axis: int | tuple[int, ...] = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return ops.log_softmax(x, self.axis)
