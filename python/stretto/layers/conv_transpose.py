"""Transposed convolutions over one, two or three axes."""

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

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _ConvTranspose(Layer):
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
        output_padding: int | tuple[int, ...] = 0,
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
        self.output_padding = output_padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
        self.weight = np.zeros((in_channels, out_channels // groups, *kernel), dtype)
        self.bias = np.zeros(out_channels, dtype) if bias else None
        self.initialize(rng)

    def initializers(self) -> dict[str, Initializer]:
        channels = self.weight.shape[0] // self.groups
        return {"weight": he(channels * math.prod(self.weight.shape[2:])), "bias": zeros}

    def forward(self, x: Any) -> Any:
        return type(self)._op(
            x,
            self.weight,
            bias=self.bias,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
            groups=self.groups,
            activation=self.activation,
        )


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of (N, C, L) signals; see :class:`ConvTranspose2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.ConvTranspose1d(3, 8, 2, stride=2)(np.ones((1, 3, 5), "f4")).shape
    (1, 8, 10)
    """

    _axes = 1
    _op = staticmethod(ops.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of (N, C, H, W) images: :func:`stretto.conv_transpose2d` with a weight and a bias.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or tuple
        ``weight`` is (in_channels, out_channels / groups, kernel...), ``bias`` (out_channels,).
    stride, padding, output_padding, dilation, groups : as in :func:`stretto.conv_transpose2d`
    bias : bool
    activation : str or (str, float), optional
    rng : int or np.random.Generator, optional
        The seed of the He-uniform weight, new each time without it; the bias begins at zero.
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.ConvTranspose2d(4, 2, 2, stride=2)(np.ones((1, 4, 8, 8), "f4")).shape
    (1, 2, 16, 16)
    """

    _axes = 2
    _op = staticmethod(ops.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of (N, C, D, H, W) volumes; see :class:`ConvTranspose2d`.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.ConvTranspose3d(3, 8, 2, stride=2)(np.ones((1, 3, 5, 5, 5), "f4")).shape
    (1, 8, 10, 10, 10)
    """

    _axes = 3
    _op = staticmethod(ops.conv_transpose3d)
