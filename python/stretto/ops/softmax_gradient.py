"""Gradients of softmax and its logarithm. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_softmax_gradient = _core.op("softmax_gradient")
_log_softmax_gradient = _core.op("log_softmax_gradient")


def softmax_gradient(
    grad: ArrayLike,
    y: ArrayLike,
    axis: int | tuple[int, ...] = -1,
    *,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``(grad - sum(grad * y)) * y``, the gradient through ``y = softmax(x)``.

    Parameters
    ----------
    grad : array
        Gradient of the result.
    y : array of grad's shape
        The result of :func:`softmax`.
    axis : int or tuple of int
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes differ or an axis is out of range.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.softmax_gradient(np.float32([1, 0]), np.float32([0.5, 0.5]))
    array([ 0.25, -0.25], dtype=float32)
    """
    return _softmax_gradient((grad, y), {"axis": axis}, out, threads)


def log_softmax_gradient(
    grad: ArrayLike,
    y: ArrayLike,
    axis: int | tuple[int, ...] = -1,
    *,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``grad - exp(y) * sum(grad)``, the gradient through ``y = log_softmax(x)``.

    Parameters
    ----------
    grad : array
        Gradient of the result.
    y : array of grad's shape
        The result of :func:`log_softmax`.
    axis : int or tuple of int
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes differ or an axis is out of range.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.log_softmax_gradient(np.float32([1, 0]), np.float32([0, -np.inf]))
    array([0., 0.], dtype=float32)
    """
    return _log_softmax_gradient((grad, y), {"axis": axis}, out, threads)
