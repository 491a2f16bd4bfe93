"""Elementary functions of one array, element by element. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core
from stretto.ops.plain_call import plain_call

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_exp = _core.op("exp")
_log = _core.op("log")
_tanh = _core.op("tanh")
_erf = _core.op("erf")
_sqrt = _core.op("sqrt")
_abs = _core.op("abs")
_neg = _core.op("neg")


@plain_call(_exp)
def exp(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``e ** x``, within 1 ulp.

    Overflows to infinity and underflows through the subnormals to 0.

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.exp(np.float32([0, 1]))
    array([1.       , 2.7182817], dtype=float32)
    """
    return _exp((x,), {}, out, threads)


@plain_call(_log)
def log(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """The natural logarithm, within 1 ulp.

    ``log(0)`` is ``-inf``; of a negative number it is NaN.

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.log(np.float32([1, 10]))
    array([0.       , 2.3025851], dtype=float32)
    """
    return _log((x,), {}, out, threads)


@plain_call(_tanh)
def tanh(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """The hyperbolic tangent, within 1.5 ulp.

    Odd, with ``tanh(-0.0)`` being ``-0.0``.

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.tanh(np.float32([0, 50]))
    array([0., 1.], dtype=float32)
    """
    return _tanh((x,), {}, out, threads)


@plain_call(_erf)
def erf(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """The error function, within 1.5 ulp.

    ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``x``.

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.erf(np.float32([0, 50]))
    array([0., 1.], dtype=float32)
    """
    return _erf((x,), {}, out, threads)


@plain_call(_sqrt)
def sqrt(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """The square root, correctly rounded.

    NaN for negative numbers.

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.sqrt(np.float32([4, 9]))
    array([2., 3.], dtype=float32)
    """
    return _sqrt((x,), {}, out, threads)


@plain_call(_abs)
def abs(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """The absolute value.

    Of the smallest signed integer it is that integer, as in NumPy.

    Parameters
    ----------
    x : array
        Floats and integers keep their dtype.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.abs(np.int8([-3, 3]))
    array([3, 3], dtype=int8)
    """
    return _abs((x,), {}, out, threads)


@plain_call(_neg)
def neg(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``-x``.

    Integers wrap.

    Parameters
    ----------
    x : array
        Floats and integers keep their dtype.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.neg(np.int8([-3, 3]))
    array([ 3, -3], dtype=int8)
    """
    return _neg((x,), {}, out, threads)
