"""Gradients of average pooling with respect to its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stretto.ops.types import Array, ArrayLike, Padding

_avg_pool1d_gradient = _core.op("avg_pool1d_gradient")
_avg_pool2d_gradient = _core.op("avg_pool2d_gradient")
_avg_pool3d_gradient = _core.op("avg_pool3d_gradient")
_global_avg_pool_gradient = _core.op("global_avg_pool_gradient")


def avg_pool1d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`avg_pool1d` with respect to ``x``.

    ``dx`` starts at +0; for every output ``o``, in C order, ``dx[n, c, p] += grad[n, c, o] / count(o)`` at
    every tap of ``o``'s window.

    Parameters
    ----------
    grad : array
        Of the shape of the pool's result.
    x : array
        The pool's input; only its shape matters.
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, layout
        As the pool had them.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        As :func:`avg_pool1d`, and if ``grad`` has the wrong shape.
    TypeError
        If an array is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.avg_pool1d_gradient(np.ones((1, 1, 2)), np.arange(4.).reshape(1, 1, 4), 2).ravel()
    array([0.5, 0.5, 0.5, 0.5])
    """
    return _avg_pool1d_gradient(
        (grad, x),
        {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
            "layout": layout,
        },
        out,
        threads,
    )


def avg_pool2d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`avg_pool2d` with respect to ``x``.

    ``dx`` starts at +0; for every output ``o``, in C order, ``dx[n, c, p] += grad[n, c, o] / count(o)`` at
    every tap of ``o``'s window.

    Parameters
    ----------
    grad : array
        Of the shape of the pool's result.
    x : array
        The pool's input; only its shape matters.
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, layout
        As the pool had them.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        As :func:`avg_pool2d`, and if ``grad`` has the wrong shape.
    TypeError
        If an array is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.avg_pool2d_gradient(np.ones((1, 1, 1, 1)), np.arange(4.).reshape(1, 1, 2, 2), 2).ravel()
    array([0.25, 0.25, 0.25, 0.25])
    """
    return _avg_pool2d_gradient(
        (grad, x),
        {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
            "layout": layout,
        },
        out,
        threads,
    )


def avg_pool3d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`avg_pool3d` with respect to ``x``.

    ``dx`` starts at +0; for every output ``o``, in C order, ``dx[n, c, p] += grad[n, c, o] / count(o)`` at
    every tap of ``o``'s window.

    Parameters
    ----------
    grad : array
        Of the shape of the pool's result.
    x : array
        The pool's input; only its shape matters.
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, layout
        As the pool had them.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        As :func:`avg_pool3d`, and if ``grad`` has the wrong shape.
    TypeError
        If an array is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.avg_pool3d_gradient(np.ones((1, 1, 1, 1, 1)), np.arange(8.).reshape(1, 1, 2, 2, 2), 2).ravel()
    array([0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125])
    """
    return _avg_pool3d_gradient(
        (grad, x),
        {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
            "layout": layout,
        },
        out,
        threads,
    )


def global_avg_pool_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    *,
    keepdims: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`global_avg_pool` with respect to ``x``.

    As :func:`avg_pool2d_gradient` over the op's windows.

    Parameters
    ----------
    grad : array
        Of the shape of the pool's result.
    x : array
        The pool's input; only its shape matters.
    keepdims, layout
        As the pool had them.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        As :func:`global_avg_pool`, and if ``grad`` has the wrong shape.
    TypeError
        If an array is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.global_avg_pool_gradient(np.ones((1, 1)), np.arange(4.).reshape(1, 1, 4), keepdims=False)
    array([[[0.25, 0.25, 0.25, 0.25]]])
    """
    return _global_avg_pool_gradient((grad, x), {"keepdims": keepdims, "layout": layout}, out, threads)
