"""Dot products of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike, DTypeLike

_vecdot = _core.op("vecdot")


def vecdot(
    a: ArrayLike,
    b: ArrayLike,
    *,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Dot products along one axis.

    ``y[...] = sum over k of a[..., k] * b[..., k]``; the other axes broadcast. Nothing is conjugated, as there are no
    complex numbers.

    Parameters
    ----------
    a, b : arrays (..., k)
    axis : int
        The axis of the vectors; it must have the same size in both and is not broadcast.
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default.
    out : array (...), optional
    threads : int, optional
        At most so many threads for this call.

    Returns
    -------
    array (...)

    Raises
    ------
    ValueError
        If the lengths differ, the axis does not exist, or the other axes do not broadcast.
    TypeError
        If a dtype is not supported.

    Notes
    -----
    Long vectors are summed in 16 stripes and a fixed tree, so this is faster and more accurate than the single chain of
    ``matmul`` and has other bits: ``docs/numerics.md``.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.vecdot(np.ones((2, 5), "f4"), np.arange(5, dtype="f4")).tolist()
    [10.0, 10.0]
    """
    return _vecdot((a, b), {"axis": axis, "dtype": dtype}, out, threads)
