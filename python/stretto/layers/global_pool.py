"""Pooling over all of space, and to a given size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stretto import ops
from stretto.layers.layer import Layer

__all__ = ["AdaptiveAvgPool2d", "GlobalAvgPool", "GlobalMaxPool"]


class GlobalAvgPool(Layer):
    """:func:`stretto.global_avg_pool` as a layer; ``keepdims=False`` leaves (N, C).

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.GlobalAvgPool()(np.ones((2, 3, 8, 8), "f4")).shape
    (2, 3, 1, 1)
    """

    def __init__(self, keepdims: bool = True) -> None:
        self.keepdims = keepdims

    def forward(self, x: Any) -> Any:
        return ops.global_avg_pool(x, keepdims=self.keepdims)


class GlobalMaxPool(Layer):
    """:func:`stretto.global_max_pool` as a layer; ``keepdims=False`` leaves (N, C).

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.GlobalMaxPool(keepdims=False)(np.ones((2, 3, 8, 8), "f4")).shape
    (2, 3)
    """

    def __init__(self, keepdims: bool = True) -> None:
        self.keepdims = keepdims

    def forward(self, x: Any) -> Any:
        return ops.global_max_pool(x, keepdims=self.keepdims)


class AdaptiveAvgPool2d(Layer):
    """:func:`stretto.adaptive_avg_pool2d` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.AdaptiveAvgPool2d(4)(np.ones((2, 3, 9, 7), "f4")).shape
    (2, 3, 4, 4)
    """

    def __init__(self, output_size: int | Sequence[int]) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        return ops.adaptive_avg_pool2d(x, self.output_size)
