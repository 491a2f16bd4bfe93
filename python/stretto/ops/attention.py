"""Scaled dot-product attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike, DTypeLike

_attention = _core.op("attention")


def attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    scale: float | None = None,
    causal: bool = False,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Average values by how well their keys match a query.

    ``y = softmax(matmul(q, k^T) * scale + mask) @ v``, with the bits of these ops one after another, but only a block
    of rows of the scores in memory at a time (about 1 MiB a thread, or one row). With ``causal`` the scores of keys
    after the query's own position are -inf.

    Parameters
    ----------
    q : array (..., L, E)
    k : array (..., S, E)
    v : array (..., S, F)
        Leading axes broadcast.
    mask : array that broadcasts to (..., L, S), optional
        Added to the scores; or of bool, where False hides a key as -inf does.
    scale : float, optional
        ``1 / sqrt(E)`` by default, rounded to the computation type.
    causal : bool
    dtype : dtype, optional
        The computation type; ``np.result_type(q, k, v)`` by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array (..., L, F)

    Raises
    ------
    ValueError
        If the shapes do not go together.
    TypeError
        If an array is not of floats.

    Notes
    -----
    A query that may see no key is NaN, as softmax of only -inf is.
    Vaswani et al., Attention Is All You Need, 2017; blocks of rows as in Rabe and Staats, Self-attention Does Not Need
    O(n^2) Memory, 2021, with both passes of the softmax over whole rows.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> x = np.ones((2, 8, 5, 16), "f4")
    >>> st.attention(x, x, x, causal=True).shape
    (2, 8, 5, 16)
    """
    return _attention((q, k, v, mask), {"scale": scale, "causal": causal, "dtype": dtype}, out, threads)
