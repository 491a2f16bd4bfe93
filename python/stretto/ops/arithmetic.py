"""Element-wise arithmetic of arrays that broadcast. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core
from stretto.ops.plain_call import plain_call

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike, DTypeLike

_add = _core.op("add")
_sub = _core.op("sub")
_mul = _core.op("mul")
_div = _core.op("div")
_pow = _core.op("pow")


@plain_call(_add)
def add(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a + b``.

    Integers wrap; of bool it is "or".

    Parameters
    ----------
    a, b : arrays that broadcast together
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.add(np.float32([1, 2]), 3)
    array([4., 5.], dtype=float32)
    """
    return _add((a, b), {"dtype": dtype}, out, threads)


@plain_call(_sub)
def sub(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a - b``.

    Integers wrap; bool is refused, as in NumPy.

    Parameters
    ----------
    a, b : arrays that broadcast together
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.sub(np.float32([1, 2]), 3)
    array([-2., -1.], dtype=float32)
    """
    return _sub((a, b), {"dtype": dtype}, out, threads)


@plain_call(_mul)
def mul(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a * b``.

    Integers wrap; of bool it is "and".

    Parameters
    ----------
    a, b : arrays that broadcast together
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.mul(np.float32([1, 2]), 3)
    array([3., 6.], dtype=float32)
    """
    return _mul((a, b), {"dtype": dtype}, out, threads)


@plain_call(_div)
def div(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a / b``, true division.

    Integers give float64.

    Parameters
    ----------
    a, b : arrays that broadcast together
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.div(np.int32([1, 3]), 2)
    array([0.5, 1.5])
    """
    return _div((a, b), {"dtype": dtype}, out, threads)


@plain_call(_pow)
def pow(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a ** b``, within 0.5001 ulp in float32 and 0.8 in float64.

    One formula for every exponent: a power that is exactly representable is exact. Integers wrap, and refuse negative
    exponents with ValueError.

    Parameters
    ----------
    a, b : arrays that broadcast together
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.pow(np.float32([2, 3]), 2)
    array([4., 9.], dtype=float32)
    """
    return _pow((a, b), {"dtype": dtype}, out, threads)
