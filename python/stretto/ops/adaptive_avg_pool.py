"""Averages into a given number of bins, and the gradient of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stretto.ops.types import Array, ArrayLike

_adaptive_avg_pool2d = _core.op("adaptive_avg_pool2d")
_adaptive_avg_pool2d_gradient = _core.op("adaptive_avg_pool2d_gradient")


def adaptive_avg_pool2d(
    x: ArrayLike,
    output_size: int | Sequence[int],
    *,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Average into a given number of bins.

    Bin ``i`` of ``m`` along an axis of ``n`` elements holds ``floor(i * n / m)`` to ``ceil((i + 1) * n / m)``, the end
    not included, as in PyTorch; bins may overlap. The sum is as in :func:`avg_pool2d`.

    Parameters
    ----------
    x : array (N, C, H, W), or (N, H, W, C) with ``layout="NHWC"``
        Of floats.
    output_size : int or tuple of 2
    layout : {"NCHW", "NHWC"}
    out : array, optional
    threads : int, optional

    Returns
    -------
    array (N, C, *output_size), or (N, *output_size, C)

    Raises
    ------
    ValueError
        If ``output_size`` is not positive, or ``x``'s spatial axes are empty.
    TypeError
        If x is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.adaptive_avg_pool2d(np.arange(9.).reshape(1, 1, 3, 3), 2)
    array([[[[2., 3.],
             [5., 6.]]]])
    """
    return _adaptive_avg_pool2d((x,), {"output_size": output_size, "layout": layout}, out, threads)


def adaptive_avg_pool2d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: int | Sequence[int],
    *,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`adaptive_avg_pool2d` with respect to ``x``.

    As :func:`avg_pool2d_gradient` over the op's windows.

    Parameters
    ----------
    grad : array
        Of the shape of the pool's result.
    x : array
        The pool's input; only its shape matters.
    output_size, layout
        As the pool had them.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        As :func:`adaptive_avg_pool2d`, and if ``grad`` has the wrong shape.
    TypeError
        If an array is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.adaptive_avg_pool2d_gradient(np.ones((1, 1, 1, 2)), np.zeros((1, 1, 1, 3)), (1, 2))
    array([[[[0.5, 1. , 0.5]]]])
    """
    return _adaptive_avg_pool2d_gradient((grad, x), {"output_size": output_size, "layout": layout}, out, threads)
