"""All axes but the first ones as one."""

from __future__ import annotations

from typing import Any

from stretto import ops
from stretto.layers.layer import Layer


class Flatten(Layer):
    """Merge the axes from ``start_axis`` on; 1 keeps the batch. It costs nothing in a plan: the result is a view.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Flatten()(np.ones((2, 3, 4, 5), "f4")).shape
    (2, 60)
    """

    def __init__(self, start_axis: int = 1) -> None:
        self.start_axis = start_axis

    def forward(self, x: Any) -> Any:
        return ops.flatten(x, self.start_axis)
