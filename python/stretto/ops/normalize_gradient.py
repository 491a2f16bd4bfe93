"""Gradients of the norms. Formulas: ``docs/numerics_functions.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_layer_norm_gradient = _core.op("layer_norm_gradient")
_rms_norm_gradient = _core.op("rms_norm_gradient")
_batch_norm_gradient = _core.op("batch_norm_gradient")
_group_norm_gradient = _core.op("group_norm_gradient")


def layer_norm_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    *,
    dims: int = 1,
    eps: float = 1e-5,
    grain: int = 8,
    out: tuple[Array | None, ...] | None = None,
    threads: int | None = None,
) -> Any:
    """``dx, dgamma, dbeta`` of :func:`layer_norm`.

    dx is a sample's own, but dgamma and dbeta sum over samples: no schedule cuts the batch at this step.

    Parameters
    ----------
    grad : array
        Gradient of the result.
    x : array of grad's shape
        The argument of the forward pass.
    gamma : array, optional
    dims, eps
        As in the forward pass.
    grain : int
        Samples whose sums are formed as one; part of what is computed, not of how.
    out : tuple of arrays, one for each result, optional
    threads : int, optional

    Returns
    -------
    tuple of arrays ``(dx, dgamma, dbeta)``

    Raises
    ------
    ValueError
        If the shapes differ or an option is out of range.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.layer_norm_gradient(np.float32([[1, 1]]), np.float32([[1, 3]]))[2]
    array([1., 1.], dtype=float32)
    """
    return _layer_norm_gradient((grad, x, gamma), {"dims": dims, "eps": eps, "grain": grain}, out, threads)


def rms_norm_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    *,
    dims: int = 1,
    eps: float = 1e-5,
    grain: int = 8,
    out: tuple[Array | None, ...] | None = None,
    threads: int | None = None,
) -> Any:
    """``dx, dgamma`` of :func:`rms_norm`.

    dx is a sample's own, but dgamma sums over samples: no schedule cuts the batch at this step.

    Parameters
    ----------
    grad : array
        Gradient of the result.
    x : array of grad's shape
        The argument of the forward pass.
    gamma : array, optional
    dims, eps
        As in the forward pass.
    grain : int
        Samples whose sums are formed as one; part of what is computed, not of how.
    out : tuple of arrays, one for each result, optional
    threads : int, optional

    Returns
    -------
    tuple of arrays ``(dx, dgamma)``

    Raises
    ------
    ValueError
        If the shapes differ or an option is out of range.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.rms_norm_gradient(np.float32([[1, 1]]), np.float32([[2, -2]]), eps=0.0)[1]
    array([ 1., -1.], dtype=float32)
    """
    return _rms_norm_gradient((grad, x, gamma), {"dims": dims, "eps": eps, "grain": grain}, out, threads)


def batch_norm_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    gamma: ArrayLike | None,
    mean: ArrayLike,
    var: ArrayLike,
    *,
    eps: float = 1e-5,
    layout: str = "NCHW",
    grain: int = 8,
    out: tuple[Array | None, ...] | None = None,
    threads: int | None = None,
) -> Any:
    """``dx, dgamma, dbeta`` of :func:`batch_norm` with given statistics.

    dx is a sample's own, but dgamma and dbeta sum over samples: no schedule cuts the batch at this step.

    Parameters
    ----------
    grad : array
        Gradient of the result.
    x : array of grad's shape
        The argument of the forward pass.
    gamma : array or None
    mean, var : arrays
    eps, layout
        As in the forward pass.
    grain : int
        Samples whose sums are formed as one; part of what is computed, not of how.
    out : tuple of arrays, one for each result, optional
    threads : int, optional

    Returns
    -------
    tuple of arrays ``(dx, dgamma, dbeta)``

    Raises
    ------
    ValueError
        If the shapes differ or an option is out of range.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> x, zero, one = np.float32([[1], [2]]), np.float32([0]), np.float32([1])
    >>> st.batch_norm_gradient(x, x, None, zero, one)[2]
    array([3.], dtype=float32)
    """
    return _batch_norm_gradient(
        (grad, x, gamma, mean, var), {"eps": eps, "layout": layout, "grain": grain}, out, threads
    )


def group_norm_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    *,
    eps: float = 1e-5,
    layout: str = "NCHW",
    grain: int = 8,
    out: tuple[Array | None, ...] | None = None,
    threads: int | None = None,
) -> Any:
    """``dx, dgamma, dbeta`` of :func:`group_norm`.

    dx is a sample's own, but dgamma and dbeta sum over samples: no schedule cuts the batch at this step.

    Parameters
    ----------
    grad : array
        Gradient of the result.
    x : array of grad's shape
        The argument of the forward pass.
    groups : int
    gamma : array, optional
    eps, layout
        As in the forward pass.
    grain : int
        Samples whose sums are formed as one; part of what is computed, not of how.
    out : tuple of arrays, one for each result, optional
    threads : int, optional

    Returns
    -------
    tuple of arrays ``(dx, dgamma, dbeta)``

    Raises
    ------
    ValueError
        If the shapes differ or an option is out of range.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.group_norm_gradient(np.float32([[1, 1]]), np.float32([[1, 3]]), 1)[2]
    array([1., 1.], dtype=float32)
    """
    return _group_norm_gradient(
        (grad, x, gamma), {"groups": groups, "eps": eps, "layout": layout, "grain": grain}, out, threads
    )
