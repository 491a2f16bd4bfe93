"""Element by element, one of several arrays. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core
from stretto.ops.plain_call import plain_call

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike, DTypeLike

_maximum = _core.op("maximum")
_minimum = _core.op("minimum")
_where = _core.op("where")
_clip = _core.op("clip")


@plain_call(_maximum)
def maximum(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a`` if ``a > b`` or ``a`` is NaN, else ``b``.

    So NaN wins.

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
    >>> st.maximum(np.float32([1, 5]), 3)
    array([3., 5.], dtype=float32)
    """
    return _maximum((a, b), {"dtype": dtype}, out, threads)


@plain_call(_minimum)
def minimum(
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``a`` if ``a < b`` or ``a`` is NaN, else ``b``.

    So NaN wins.

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
    >>> st.minimum(np.float32([1, 5]), 3)
    array([1., 3.], dtype=float32)
    """
    return _minimum((a, b), {"dtype": dtype}, out, threads)


@plain_call(_where)
def where(
    condition: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``condition ? a : b``, element by element.

    Parameters
    ----------
    condition : bool array
    a, b : arrays
        All three broadcast together.
    dtype : dtype, optional
        Of the result; ``np.result_type(a, b)`` by default.
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
        If the condition is not bool.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.where(np.array([True, False]), np.float32([1, 2]), 0)
    array([1., 0.], dtype=float32)
    """
    return _where((condition, a, b), {"dtype": dtype}, out, threads)


@plain_call(_clip)
def clip(
    x: ArrayLike,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    *,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``minimum(maximum(x, low), high)``; a bound that is None is left out.

    Parameters
    ----------
    x : array
    low, high : arrays or numbers that broadcast with ``x``, optional
        At least one is needed. Where ``low > high`` the result is ``high``; NaN anywhere gives NaN.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If both bounds are None or the shapes do not broadcast.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.clip(np.float32([-1, 5]), 0, 3)
    array([0., 3.], dtype=float32)
    """
    return _clip((x, low, high), {}, out, threads)
