"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from stretto import ops
from stretto.layers.layer import Layer

__all__ = ["LogSoftmax", "Softmax"]


class Softmax(Layer):
    """:func:`stretto.softmax` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Softmax()(np.zeros((2, 4), "f4"))[0]
    array([0.25, 0.25, 0.25, 0.25], dtype=float32)
    """

    def __init__(self, axis: int | tuple[int, ...] = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return ops.softmax(x, self.axis)


class LogSoftmax(Layer):
    """:func:`stretto.log_softmax` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.LogSoftmax()(np.array([[0.0, 200.0]], "f4"))
    array([[-200.,    0.]], dtype=float32)
    """

    def __init__(self, axis: int | tuple[int, ...] = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return ops.log_softmax(x, self.axis)
