"""Activations in pieces: lines and parabolas, no exponential. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core
from stretto.ops.plain_call import plain_call

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_relu = _core.op("relu")
_relu6 = _core.op("relu6")
_leaky_relu = _core.op("leaky_relu")
_hard_sigmoid = _core.op("hard_sigmoid")
_hard_swish = _core.op("hard_swish")


@plain_call(_relu)
def relu(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``x < 0 ? 0 : x``; NaN stays.

    The rectifier; ``relu(-0.0)`` is ``-0.0``.

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
    >>> st.relu(np.float32([-1, 0, 2]))
    array([0., 0., 2.], dtype=float32)
    """
    return _relu((x,), {}, out, threads)


@plain_call(_relu6)
def relu6(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``min(max(x, 0), 6)``; NaN stays.

    The rectifier with a ceiling (Krizhevsky 2010).

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
    >>> st.relu6(np.float32([-1, 3, 9]))
    array([0., 3., 6.], dtype=float32)
    """
    return _relu6((x,), {}, out, threads)


def leaky_relu(x: ArrayLike, slope: float = 0.01, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``x < 0 ? x * slope : x``.

    A rectifier that leaks (Maas et al. 2013).

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    slope : float
        Factor of the negative side.
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
    >>> st.leaky_relu(np.float32([-4, 2]), 0.25)
    array([-1.,  2.], dtype=float32)
    """
    return _leaky_relu((x,), {"slope": slope}, out, threads)


@plain_call(_hard_sigmoid)
def hard_sigmoid(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``relu6(x + 3) / 6``.

    The piecewise linear sigmoid of MobileNetV3 and PyTorch (ONNX: alpha=1/6, beta=0.5).

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
    >>> st.hard_sigmoid(np.float32([-4, 0, 4]))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return _hard_sigmoid((x,), {}, out, threads)


@plain_call(_hard_swish)
def hard_swish(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``x * (relu6(x + 3) / 6)``.

    The piecewise form of ``silu`` (Howard et al. 2019, MobileNetV3).

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
    >>> st.hard_swish(np.float32([-4, 0, 4]))
    array([-0.,  0.,  4.], dtype=float32)
    """
    return _hard_swish((x,), {}, out, threads)
