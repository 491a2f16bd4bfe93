"""Prepacked weights."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import ArrayLike

_NO_OPTIONS = {"bias", "scale", "shift", "residual", "out", "threads"}


def prepare(w: ArrayLike, *, op: str = "matmul", **options: Any) -> _core.PreparedWeight:
    """Copy a weight into the layout that an op's kernels read.

    The result is immutable and is passed in the weight's place. Its layout depends on the weight and the options only,
    never on the number of threads, and the op's bits are the same with it as without.

    Parameters
    ----------
    w : array
        The weight, as the op takes it: ``b`` of ``matmul``, ``w`` of ``conv2d`` and its kin.
    op : str
        The op that will use it.
    **options
        The op's options, such as ``stride=2``; a call with others still works, without the prepared layout.

    Returns
    -------
    PreparedWeight

    Raises
    ------
    ValueError
        If there is no such op.
    TypeError
        If the op takes no weight, or has no such option.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> w = np.ones((64, 32), "f4")
    >>> st.prepare(w, op="matmul").shape
    (64, 32)
    """
    from stretto import ops

    try:
        record = _core.op(op)
    except KeyError:
        raise ValueError(f"prepare: unknown op: {op!r}; it must be one of stretto's ops, such as 'conv2d'") from None
    known = (inspect.unwrap(getattr(ops, op)).__kwdefaults__ or {}).keys() - _NO_OPTIONS
    for name in options:
        if name not in known:
            raise TypeError(f"prepare: unknown option: {name!r}; {op} has {', '.join(sorted(known))}")
    return _core.prepare(record, w, options)
