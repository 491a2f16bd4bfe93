"""Gradients of convolutions with respect to the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike, Padding

_conv1d_input_gradient = _core.op("conv1d_input_gradient")
_conv2d_input_gradient = _core.op("conv2d_input_gradient")
_conv3d_input_gradient = _core.op("conv3d_input_gradient")


def conv1d_input_gradient(
    grad: ArrayLike,
    w: ArrayLike,
    input_shape: tuple[int, ...],
    *,
    stride: int | tuple[int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`conv1d` with respect to x.

    ``g[n, c, p] = sum_{o, t} w[o, c, t] * grad[n, o, (p + before - t * dilation) / stride]`` over the taps t whose
    division is exact.

    Parameters
    ----------
    grad : array (N, O, ...) of the shape of the convolution's result
    w : array (O, C / groups, kl)
    input_shape : tuple
        The shape of x; its first size may be -1, for grad's.
    stride, padding, dilation, groups, layout, out, threads : as in :func:`conv1d`

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> grad, w = np.ones((2, 4, 8), "f4"), np.ones((4, 3, 3), "f4")
    >>> st.conv1d_input_gradient(grad, w, (2, 3, 8), padding=1).shape
    (2, 3, 8)
    """
    return _conv1d_input_gradient(
        (grad, w),
        {
            "input_shape": input_shape,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
        },
        out,
        threads,
    )


def conv2d_input_gradient(
    grad: ArrayLike,
    w: ArrayLike,
    input_shape: tuple[int, ...],
    *,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`conv2d` with respect to x.

    ``g[n, c, p] = sum_{o, t} w[o, c, t] * grad[n, o, (p + before - t * dilation) / stride]`` over the taps t whose
    division is exact.

    Parameters
    ----------
    grad : array (N, O, ...) of the shape of the convolution's result
    w : array (O, C / groups, kh, kw)
    input_shape : tuple
        The shape of x; its first size may be -1, for grad's.
    stride, padding, dilation, groups, layout, out, threads : as in :func:`conv2d`

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> grad, w = np.ones((2, 4, 8, 8), "f4"), np.ones((4, 3, 3, 3), "f4")
    >>> st.conv2d_input_gradient(grad, w, (2, 3, 8, 8), padding=1).shape
    (2, 3, 8, 8)
    """
    return _conv2d_input_gradient(
        (grad, w),
        {
            "input_shape": input_shape,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
        },
        out,
        threads,
    )


def conv3d_input_gradient(
    grad: ArrayLike,
    w: ArrayLike,
    input_shape: tuple[int, ...],
    *,
    stride: int | tuple[int, int, int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`conv3d` with respect to x.

    ``g[n, c, p] = sum_{o, t} w[o, c, t] * grad[n, o, (p + before - t * dilation) / stride]`` over the taps t whose
    division is exact.

    Parameters
    ----------
    grad : array (N, O, ...) of the shape of the convolution's result
    w : array (O, C / groups, kd, kh, kw)
    input_shape : tuple
        The shape of x; its first size may be -1, for grad's.
    stride, padding, dilation, groups, layout, out, threads : as in :func:`conv3d`

    Returns
    -------
    array of shape input_shape

    Raises
    ------
    ValueError
        If the shapes are not those of one convolution.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> grad, w = np.ones((2, 4, 8, 8, 8), "f4"), np.ones((4, 3, 3, 3, 3), "f4")
    >>> st.conv3d_input_gradient(grad, w, (2, 3, 8, 8, 8), padding=1).shape
    (2, 3, 8, 8, 8)
    """
    return _conv3d_input_gradient(
        (grad, w),
        {
            "input_shape": input_shape,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
        },
        out,
        threads,
    )
