"""Gradients of convolutions with respect to the weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike, Padding

_conv1d_weight_gradient = _core.op("conv1d_weight_gradient")
_conv2d_weight_gradient = _core.op("conv2d_weight_gradient")
_conv3d_weight_gradient = _core.op("conv3d_weight_gradient")


def conv1d_weight_gradient(
    x: ArrayLike,
    grad: ArrayLike,
    weight_shape: tuple[int, ...],
    *,
    stride: int | tuple[int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    grain: int = 8,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`conv1d` with respect to w.

    ``g[o, c, t] = sum_{n, p} grad[n, o, p] * x[n, c, p * stride + t * dilation - before]``, formed over each ``grain``
    of consecutive samples and then summed over the grains by a fixed tree.

    Parameters
    ----------
    x : array (N, C, L)
    grad : array (N, O, ...) of the shape of the convolution's result
    weight_shape : tuple (O, C / groups, kl)
    stride, padding, dilation, groups, layout, out, threads : as in :func:`conv1d`
    grain : int
        Samples whose gradient is formed as one: part of what is computed, not of how.

    Returns
    -------
    array of shape weight_shape

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution, or grain is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> x, grad = np.ones((2, 3, 8), "f4"), np.ones((2, 4, 8), "f4")
    >>> st.conv1d_weight_gradient(x, grad, (4, 3, 3), padding=1).shape
    (4, 3, 3)
    """
    return _conv1d_weight_gradient(
        (x, grad),
        {
            "weight_shape": weight_shape,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
            "grain": grain,
        },
        out,
        threads,
    )


def conv2d_weight_gradient(
    x: ArrayLike,
    grad: ArrayLike,
    weight_shape: tuple[int, ...],
    *,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    grain: int = 8,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`conv2d` with respect to w.

    ``g[o, c, t] = sum_{n, p} grad[n, o, p] * x[n, c, p * stride + t * dilation - before]``, formed over each ``grain``
    of consecutive samples and then summed over the grains by a fixed tree.

    Parameters
    ----------
    x : array (N, C, H, W)
    grad : array (N, O, ...) of the shape of the convolution's result
    weight_shape : tuple (O, C / groups, kh, kw)
    stride, padding, dilation, groups, layout, out, threads : as in :func:`conv2d`
    grain : int
        Samples whose gradient is formed as one: part of what is computed, not of how.

    Returns
    -------
    array of shape weight_shape

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution, or grain is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> x, grad = np.ones((2, 3, 8, 8), "f4"), np.ones((2, 4, 8, 8), "f4")
    >>> st.conv2d_weight_gradient(x, grad, (4, 3, 3, 3), padding=1).shape
    (4, 3, 3, 3)
    """
    return _conv2d_weight_gradient(
        (x, grad),
        {
            "weight_shape": weight_shape,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
            "grain": grain,
        },
        out,
        threads,
    )


def conv3d_weight_gradient(
    x: ArrayLike,
    grad: ArrayLike,
    weight_shape: tuple[int, ...],
    *,
    stride: int | tuple[int, int, int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    grain: int = 8,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`conv3d` with respect to w.

    ``g[o, c, t] = sum_{n, p} grad[n, o, p] * x[n, c, p * stride + t * dilation - before]``, formed over each ``grain``
    of consecutive samples and then summed over the grains by a fixed tree.

    Parameters
    ----------
    x : array (N, C, D, H, W)
    grad : array (N, O, ...) of the shape of the convolution's result
    weight_shape : tuple (O, C / groups, kd, kh, kw)
    stride, padding, dilation, groups, layout, out, threads : as in :func:`conv3d`
    grain : int
        Samples whose gradient is formed as one: part of what is computed, not of how.

    Returns
    -------
    array of shape weight_shape

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution, or grain is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> x, grad = np.ones((2, 3, 8, 8, 8), "f4"), np.ones((2, 4, 8, 8, 8), "f4")
    >>> st.conv3d_weight_gradient(x, grad, (4, 3, 3, 3, 3), padding=1).shape
    (4, 3, 3, 3, 3)
    """
    return _conv3d_weight_gradient(
        (x, grad),
        {
            "weight_shape": weight_shape,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
            "grain": grain,
        },
        out,
        threads,
    )
