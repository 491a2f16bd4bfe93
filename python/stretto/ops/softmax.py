"""Softmax and its logarithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_softmax = _core.op("softmax")
_log_softmax = _core.op("log_softmax")


def softmax(
    x: ArrayLike,
    axis: int | tuple[int, ...] = -1,
    *,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``e / sum(e)`` with ``e = exp(x - max(x))``, over axes.

    A row of only ``-inf`` is NaN.

    Parameters
    ----------
    x : array of floats
    axis : int or tuple of int
        The axes that sum to one.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape and dtype.

    Raises
    ------
    ValueError
        If an axis is out of range or repeated.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.softmax(np.float32([[1, 1], [-900, 0]]))
    array([[0.5, 0.5],
           [0. , 1. ]], dtype=float32)
    """
    return _softmax((x,), {"axis": axis}, out, threads)


def log_softmax(
    x: ArrayLike,
    axis: int | tuple[int, ...] = -1,
    *,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``(x - m) - log(sum(exp(x - m)))`` with ``m = max(x)``, over axes.

    The logarithm of :func:`softmax` without its underflow.

    Parameters
    ----------
    x : array of floats
    axis : int or tuple of int
        The axes that sum to one.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape and dtype.

    Raises
    ------
    ValueError
        If an axis is out of range or repeated.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.log_softmax(np.float32([1, 1]))
    array([-0.6931472, -0.6931472], dtype=float32)
    """
    return _log_softmax((x,), {"axis": axis}, out, threads)
