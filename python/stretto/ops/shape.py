"""Arrays joined, cut, padded and seen with other axes."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stretto.ops.types import Array, ArrayLike

_concat = _core.op("concat")
_flatten = _core.op("flatten")
_pad = _core.op("pad")
_reshape = _core.op("reshape")
_split = _core.op("split")
_transpose = _core.op("transpose")


def concat(
    arrays: Sequence[ArrayLike], *, axis: int = 0, out: Array | None = None, threads: int | None = None
) -> Array:
    """Join arrays along an axis that they have.

    Parameters
    ----------
    arrays : sequence of arrays
        Of equal shapes but for ``axis``; the result has their common dtype.
    axis : int
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes differ on another axis, there is no such axis, or there are no arrays.
    TypeError
        If the arrays have no common dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.concat([np.zeros((2, 3)), np.ones((2, 1))], axis=1)
    array([[0., 0., 0., 1.],
           [0., 0., 0., 1.]])
    """
    return _concat(tuple(arrays), {"axis": axis}, out, threads)


def split(
    x: ArrayLike, sections_or_indices: int | Sequence[int], *, axis: int = 0, threads: int | None = None
) -> tuple[Array, ...]:
    """Cut an array along an axis.

    Parameters
    ----------
    x : array
    sections_or_indices : int or sequence of int
        So many equal parts, or the indices at which the parts after the first begin.
    axis : int
    threads : int, optional

    Returns
    -------
    tuple of arrays
        Copies, not views.

    Raises
    ------
    ValueError
        If the sections do not divide the axis.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.split(np.arange(6), 3)
    (array([0, 1]), array([2, 3]), array([4, 5]))
    >>> st.split(np.arange(6), [1, 4])
    (array([0]), array([1, 2, 3]), array([4, 5]))
    """
    try:
        attributes = {"sections": operator.index(sections_or_indices), "axis": axis}  # type: ignore[arg-type]
    except TypeError:
        attributes = {"indices": tuple(sections_or_indices), "axis": axis}  # type: ignore[arg-type, dict-item]
    parts = _split((x,), attributes, None, threads)
    return parts if isinstance(parts, tuple) else (parts,)


def pad(
    x: ArrayLike,
    pad_width: int | Sequence[int] | Sequence[tuple[int, int]],
    *,
    value: float = 0.0,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Surround an array with a constant.

    Parameters
    ----------
    x : array
    pad_width : int, (before, after), or such a pair for every axis
        Elements to add, as in ``np.pad``.
    value : number
        Must be representable in ``x``'s dtype if that is an integer.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If a width is negative, the number of pairs is wrong, or the value does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.pad(np.ones((1, 2)), ((0, 1), (1, 0)), value=7)
    array([[7., 1., 1.],
           [7., 7., 7.]])
    """
    return _pad((x,), {"pad_width": pad_width, "value": value}, out, threads)


def transpose(
    x: ArrayLike, axes: Sequence[int] | None = None, *, out: Array | None = None, threads: int | None = None
) -> Array:
    """Permute the axes; ``y``'s axis ``i`` is ``x``'s axis ``axes[i]``.

    Parameters
    ----------
    x : array
    axes : sequence of int, optional
        A permutation of the axes; their reverse by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        A copy in C order.

    Raises
    ------
    ValueError
        If ``axes`` is not a permutation.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.transpose(np.zeros((2, 3, 5)), (0, 2, 1)).shape
    (2, 5, 3)
    """
    return _transpose((x,), {"axes": None if axes is None else tuple(axes)}, out, threads)


def reshape(x: ArrayLike, shape: int | Sequence[int], *, out: Array | None = None, threads: int | None = None) -> Array:
    """Give the elements, in C order, another shape.

    Parameters
    ----------
    x : array
    shape : int or sequence of int
        One entry may be -1: what the others leave. In a trace it may be ``x.shape[0]``, the batch.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        A copy in C order.

    Raises
    ------
    ValueError
        If the numbers of elements differ.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.reshape(np.zeros((2, 3, 4)), (2, -1)).shape
    (2, 12)
    """
    return _reshape((x,), {"shape": shape}, out, threads)


def flatten(x: ArrayLike, start_axis: int = 1, *, out: Array | None = None, threads: int | None = None) -> Array:
    """Merge the axes from ``start_axis`` on into one.

    Parameters
    ----------
    x : array
    start_axis : int
        1 keeps the batch; as many as ``x`` has axes adds one of length 1.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        A copy in C order.

    Raises
    ------
    ValueError
        If there is no such axis.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.flatten(np.zeros((8, 16, 4, 4))).shape
    (8, 256)
    """
    return _flatten((x,), {"start_axis": start_axis}, out, threads)
