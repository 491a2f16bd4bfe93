"""Elements taken by index, and the gradient of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_take = _core.op("take")
_take_gradient = _core.op("take_gradient")


def take(
    x: ArrayLike, indices: ArrayLike, *, axis: int = 0, out: Array | None = None, threads: int | None = None
) -> Array:
    """Choose elements by index along an axis.

    ``y[..., k..., i...] = x[..., indices[k...], i...]``: the shape of ``indices`` stands in the place of ``axis``.

    Parameters
    ----------
    x : array
    indices : array of integers
        Negative ones count from the end, as in NumPy.
    axis : int
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If an index is out of range; nothing has been written then.
    TypeError
        If the indices are not integers.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.take(np.array([10, 20, 30]), [[0, -1], [1, 1]])
    array([[10, 30],
           [20, 20]])
    """
    return _take((x, indices), {"axis": axis}, out, threads)


def embedding(table: ArrayLike, ids: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """Look up rows of a table: ``y[k..., :] = table[ids[k...], :]``.

    Parameters
    ----------
    table : array (rows, features...)
    ids : array of integers
    out : array, optional
    threads : int, optional

    Returns
    -------
    array (ids.shape..., features...)

    Raises
    ------
    ValueError
        If an id is out of range.
    TypeError
        If the ids are not integers.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.embedding(np.eye(3, dtype="f4"), [2, 0])
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    return _take((table, ids), {"axis": 0}, out, threads)


def take_gradient(
    grad: ArrayLike,
    indices: ArrayLike,
    x: ArrayLike,
    *,
    axis: int = 0,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`take` (and :func:`embedding`) with respect to ``x``.

    ``dx[..., j, i...] = sum over k with indices[k] == j of grad[..., k, i...]``, added in the order of ``k``.

    Parameters
    ----------
    grad : array
        Of the shape that ``take`` gave.
    indices : array of integers
    x : array
        What ``take`` took from; only its shape matters.
    axis : int
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        If an index is out of range or ``grad`` has the wrong shape.
    TypeError
        If ``grad`` is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.take_gradient(np.ones(3), [0, 2, 2], np.zeros(3))
    array([1., 0., 2.])
    """
    return _take_gradient((grad, indices, x), {"axis": axis}, out, threads)
