"""Reductions over axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_sum = _core.op("sum")
_mean = _core.op("mean")
_max = _core.op("max")
_min = _core.op("min")
_var = _core.op("var")
_argmax = _core.op("argmax")


def sum(
    x: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    keepdims: bool = False,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Sum over axes.

    16 stripes, segments of 4096 and a fixed tree: ``docs/numerics.md``. Integers are
    summed in 64 bits, wrapping. No elements give 0.

    Parameters
    ----------
    x : array
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool
        Keep the reduced axes, with size 1.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an axis is out of range or repeated.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.sum(np.float32([[1, 2], [3, 4]]), axis=0)
    array([4., 6.], dtype=float32)
    """
    return _sum((x,), {"axis": axis, "keepdims": keepdims}, out, threads)


def mean(
    x: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    keepdims: bool = False,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Mean over axes: the sum, divided by the number of elements.

    Integers give float64. No elements give NaN.

    Parameters
    ----------
    x : array
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool
        Keep the reduced axes, with size 1.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an axis is out of range or repeated.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.mean(np.float32([[1, 2], [3, 4]]), axis=1)
    array([1.5, 3.5], dtype=float32)
    """
    return _mean((x,), {"axis": axis, "keepdims": keepdims}, out, threads)


def max(
    x: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    keepdims: bool = False,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Largest element over axes.

    NaN wins; a zero result is +0.

    Parameters
    ----------
    x : array
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool
        Keep the reduced axes, with size 1.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an axis is out of range or repeated, or there is nothing to reduce.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.max(np.float32([[1, 2], [3, 4]]), axis=0)
    array([3., 4.], dtype=float32)
    """
    return _max((x,), {"axis": axis, "keepdims": keepdims}, out, threads)


def min(
    x: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    keepdims: bool = False,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Smallest element over axes.

    NaN wins; a zero result is +0.

    Parameters
    ----------
    x : array
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool
        Keep the reduced axes, with size 1.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an axis is out of range or repeated, or there is nothing to reduce.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.min(np.float32([[1, 2], [3, 4]]), axis=0)
    array([1., 2.], dtype=float32)
    """
    return _min((x,), {"axis": axis, "keepdims": keepdims}, out, threads)


def var(
    x: ArrayLike,
    axis: int | tuple[int, ...] | None = None,
    *,
    keepdims: bool = False,
    ddof: float = 0,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Variance over axes: ``d = x - mean(x)``, ``sum(d * d) / (n - ddof)``.

    Integers give float64. ``ddof`` of 1 gives the unbiased estimate.

    Parameters
    ----------
    x : array
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool
        Keep the reduced axes, with size 1.
    ddof : float
        Degrees of freedom that the mean took.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an axis is out of range or repeated.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.var(np.float32([[1, 3], [3, 7]]), axis=1)
    array([1., 4.], dtype=float32)
    """
    return _var((x,), {"axis": axis, "keepdims": keepdims, "ddof": ddof}, out, threads)


def argmax(
    x: ArrayLike,
    axis: int | None = None,
    *,
    keepdims: bool = False,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Index of the first largest element; NaN wins.

    With ``axis=None`` the index into the flattened array.

    Parameters
    ----------
    x : array
    axis : int, optional
        All axes by default.
    keepdims : bool
        Keep the reduced axes, with size 1.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an axis is out of range or repeated, or there is nothing to reduce.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.argmax(np.float32([[1, 2], [4, 3]]), axis=1)
    array([1, 0])
    """
    return _argmax((x,), {"axis": axis, "keepdims": keepdims}, out, threads)
