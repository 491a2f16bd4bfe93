"""Normalisation of channels: by running statistics, or by groups of each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stretto import ops
from stretto.layers.layer import Initializer, Layer, ones, zeros

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["BatchNorm", "GroupNorm"]


class BatchNorm(Layer):
    """:func:`stretto.batch_norm` of (N, C, ...) by the statistics in ``running_mean`` and ``running_var``.

    Parameters
    ----------
    channels : int
        ``gamma``, ``beta``, ``running_mean`` and ``running_var`` are (channels,).
    eps : float
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.BatchNorm(3)(np.ones((2, 3, 4, 4), "f4")).shape
    (2, 3, 4, 4)
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        self.eps = eps
        self.gamma = np.ones(channels, dtype)
        self.beta = np.zeros(channels, dtype)
        self.running_mean = np.zeros(channels, dtype)
        self.running_var = np.ones(channels, dtype)

    def initializers(self) -> dict[str, Initializer]:
        return {"gamma": ones, "beta": zeros, "running_mean": zeros, "running_var": ones}

    def forward(self, x: Any) -> Any:
        return ops.batch_norm(x, self.gamma, self.beta, self.running_mean, self.running_var, eps=self.eps)


class GroupNorm(Layer):
    """:func:`stretto.group_norm` of (N, C, ...), with parameters ``gamma`` (ones) and ``beta`` (zeros).

    Parameters
    ----------
    groups, channels : int
        ``groups`` divides ``channels``.
    eps : float
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.GroupNorm(2, 6)(np.ones((1, 6, 4, 4), "f4")).shape
    (1, 6, 4, 4)
    """

    def __init__(self, groups: int, channels: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        if groups < 1 or channels % groups:
            raise ValueError(
                f"GroupNorm: groups does not divide the channels: groups is {groups}, channels is {channels}"
            )
        self.groups = groups
        self.eps = eps
        self.gamma = np.ones(channels, dtype)
        self.beta = np.zeros(channels, dtype)

    def initializers(self) -> dict[str, Initializer]:
        return {"gamma": ones, "beta": zeros}

    def forward(self, x: Any) -> Any:
        return ops.group_norm(x, self.groups, self.gamma, self.beta, eps=self.eps)
