"""Convolutions over one, two or three axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from stretto import ops
from stretto.layers.layer import Initializer, Layer, Rng, he, zeros

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from stretto.ops.types import Activation, Padding

__all__ = ["Conv1d", "Conv2d", "Conv3d"]


class _Conv(Layer):
    _axes: ClassVar[int]
    _op: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        *,
        stride: int | tuple[int, ...] = 1,
        padding: Padding = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        activation: Activation | None = None,
        rng: Rng = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{type(self).__name__}: groups does not divide the channels: "
                f"groups is {groups}, the channels are {in_channels} and {out_channels}"
            )
        kernel = (kernel_size,) * self._axes if isinstance(kernel_size, int) else tuple(kernel_size)
        if len(kernel) != self._axes:
            raise ValueError(f"{type(self).__name__}: kernel_size is {kernel}; it must be a number or {self._axes}")
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
        self.weight = np.zeros((out_channels, in_channels // groups, *kernel), dtype)
        self.bias = np.zeros(out_channels, dtype) if bias else None
        self.initialize(rng)

    def initializers(self) -> dict[str, Initializer]:
        return {"weight": he(math.prod(self.weight.shape[1:])), "bias": zeros}

    def forward(self, x: Any) -> Any:
        return type(self)._op(
            x,
            self.weight,
            bias=self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            activation=self.activation,
        )


class Conv1d(_Conv):
    """Convolution of (N, C, L) signals; see :class:`Conv2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Conv1d(3, 8, 5, padding="same")(np.ones((2, 3, 100), "f4")).shape
    (2, 8, 100)
    """

    _axes = 1
    _op = staticmethod(ops.conv1d)


class Conv2d(_Conv):
    """Convolution of (N, C, H, W) images: :func:`stretto.conv2d` with a weight and a bias.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or tuple
        ``weight`` is (out_channels, in_channels / groups, kernel...), ``bias`` (out_channels,).
    stride, padding, dilation, groups : as in :func:`stretto.conv2d`
    bias : bool
    activation : str or (str, float), optional
        Fused; the bits are those of the separate layer.
    rng : int or np.random.Generator, optional
        The seed of the He-uniform weight, new each time without it; the bias begins at zero.
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Conv2d(1, 16, 3, padding=1, activation="relu")(np.ones((2, 1, 8, 8), "f4")).shape
    (2, 16, 8, 8)
    """

    _axes = 2
    _op = staticmethod(ops.conv2d)


class Conv3d(_Conv):
    """Convolution of (N, C, D, H, W) volumes; see :class:`Conv2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Conv3d(1, 2, 3)(np.ones((1, 1, 4, 5, 6), "f4")).shape
    (1, 2, 2, 3, 4)
    """

    _axes = 3
    _op = staticmethod(ops.conv3d)
