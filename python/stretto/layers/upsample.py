"""Larger images from smaller ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stretto import ops
from stretto.layers.layer import Layer


class Upsample(Layer):
    """:func:`stretto.upsample2d` as a layer: ``size`` or ``scale_factor``, nearest or bilinear.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Upsample(scale_factor=2)(np.ones((1, 3, 4, 4), "f4")).shape
    (1, 3, 8, 8)
    """

    def __init__(
        self,
        *,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool = False,
    ) -> None:
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, x: Any) -> Any:
        return ops.upsample2d(
            x, size=self.size, scale_factor=self.scale_factor, mode=self.mode, align_corners=self.align_corners
        )
