"""Normalisation of each sample over its last axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stretto import ops
from stretto.layers.layer import Initializer, Layer, ones, zeros

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["LayerNorm", "RMSNorm"]


def _shape(normalized: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized,) if isinstance(normalized, int) else tuple(normalized)


class LayerNorm(Layer):
    """:func:`stretto.layer_norm` over the last axes, with parameters ``gamma`` (ones) and ``beta`` (zeros).

    Parameters
    ----------
    shape : int or sequence of int
        Of the axes that are normalised, which are the last ones.
    eps : float
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.LayerNorm(4)(np.ones((2, 3, 4), "f4")).shape
    (2, 3, 4)
    """

    def __init__(self, shape: int | Sequence[int], *, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        self.eps = eps
        self.gamma = np.ones(_shape(shape), dtype)
        self.beta = np.zeros(_shape(shape), dtype)

    def initializers(self) -> dict[str, Initializer]:
        return {"gamma": ones, "beta": zeros}

    def forward(self, x: Any) -> Any:
        return ops.layer_norm(x, self.gamma, self.beta, dims=self.gamma.ndim, eps=self.eps)


class RMSNorm(Layer):
    """:func:`stretto.rms_norm` over the last axes, with the parameter ``gamma`` (ones).

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.RMSNorm(4)(np.ones((2, 3, 4), "f4")).shape
    (2, 3, 4)
    """

    def __init__(self, shape: int | Sequence[int], *, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        self.eps = eps
        self.gamma = np.ones(_shape(shape), dtype)

    def initializers(self) -> dict[str, Initializer]:
        return {"gamma": ones}

    def forward(self, x: Any) -> Any:
        return ops.rms_norm(x, self.gamma, dims=self.gamma.ndim, eps=self.eps)
