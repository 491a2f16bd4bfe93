"""Smooth activations, and the gradient of all activations. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core
from stretto.ops.plain_call import plain_call

if TYPE_CHECKING:
    from stretto.ops.types import Activation, Array, ArrayLike

_elu = _core.op("elu")
_sigmoid = _core.op("sigmoid")
_gelu = _core.op("gelu")
_gelu_tanh = _core.op("gelu_tanh")
_silu = _core.op("silu")
_softplus = _core.op("softplus")
_activation_gradient = _core.op("activation_gradient")


def elu(x: ArrayLike, alpha: float = 1.0, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``x < 0 ? alpha * (exp(x) - 1) : x``, without cancellation near 0.

    The exponential linear unit (Clevert et al. 2016).

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    alpha : float
        Minus the limit for large negative ``x``.
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
    >>> st.elu(np.float32([-100, 2]))
    array([-1.,  2.], dtype=float32)
    """
    return _elu((x,), {"alpha": alpha}, out, threads)


@plain_call(_sigmoid)
def sigmoid(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``1 / (1 + exp(-x))``.

    The logistic function.

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
    >>> st.sigmoid(np.float32([0]))
    array([0.5], dtype=float32)
    """
    return _sigmoid((x,), {}, out, threads)


@plain_call(_silu)
def silu(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``x * sigmoid(x)``.

    Also called swish (Elfwing et al. 2018).

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
    >>> st.silu(np.float32([0]))
    array([0.], dtype=float32)
    """
    return _silu((x,), {}, out, threads)


@plain_call(_softplus)
def softplus(x: ArrayLike, *, out: Array | None = None, threads: int | None = None) -> Array:
    """``log(1 + exp(x))``, as ``max(x, 0) + log1p(exp(-abs(x)))``.

    A smooth rectifier (Dugas et al. 2001).

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
    >>> st.softplus(np.float32([0, 100]))
    array([  0.6931472, 100.       ], dtype=float32)
    """
    return _softplus((x,), {}, out, threads)


def gelu(x: ArrayLike, approximate: str = "none", *, out: Array | None = None, threads: int | None = None) -> Array:
    """``0.5 * x * (1 + erf(x / sqrt(2)))``, or with tanh in place of erf.

    The Gaussian error linear unit (Hendrycks and Gimpel 2016).

    Parameters
    ----------
    x : array
        Floats keep their dtype; integers give the float that NumPy gives.
    approximate : {"none", "tanh"}
        ``"tanh"`` computes ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape.

    Raises
    ------
    ValueError
        If ``approximate`` is neither, or ``out`` does not fit.
    TypeError
        If the dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.gelu(np.float32([0, 10]))
    array([ 0., 10.], dtype=float32)
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: unknown approximation: {approximate!r}; it must be 'none' or 'tanh'")
    return (_gelu if approximate == "none" else _gelu_tanh)((x,), {}, out, threads)


def activation_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    *,
    activation: Activation,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``grad * activation'(x)``.

    Parameters
    ----------
    grad : array
        Gradient of the activation's result.
    x : array
        The activation's argument; broadcasts with ``grad``.
    activation : str or (str, float)
        Any activation or one-argument function, ``("leaky_relu", 0.1)`` giving the parameter.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the shapes do not broadcast or there is no such activation.
    TypeError
        If the inputs are not floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.activation_gradient(np.float32([5, 5]), np.float32([-1, 1]), activation="relu")
    array([0., 5.], dtype=float32)
    """
    return _activation_gradient((grad, x), {"activation": activation}, out, threads)
