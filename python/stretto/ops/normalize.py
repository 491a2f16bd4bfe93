"""Normalisations. Sums follow the contract: ``docs/numerics.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Array, ArrayLike

_layer_norm = _core.op("layer_norm")
_rms_norm = _core.op("rms_norm")
_batch_norm = _core.op("batch_norm")
_batch_norm_scale = _core.op("batch_norm_scale")
_group_norm = _core.op("group_norm")


def layer_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    dims: int = 1,
    eps: float = 1e-5,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``fma(d * (1 / sqrt(v + eps)), gamma, beta)`` with ``d = x - mean(x)`` and ``v = mean(d * d)``.

    Over the last ``dims`` axes (Ba, Kiros and Hinton 2016).

    Parameters
    ----------
    x : array of floats
    gamma, beta : arrays of the shape of the last ``dims`` axes, optional
    dims : int
        How many of the last axes are normalised together.
    eps : float
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape and dtype.

    Raises
    ------
    ValueError
        If ``dims`` is out of range or a parameter has another shape.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.layer_norm(np.float32([[1, 3]]), eps=0.0)
    array([[-1.,  1.]], dtype=float32)
    """
    return _layer_norm((x, gamma, beta), {"dims": dims, "eps": eps}, out, threads)


def rms_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    *,
    dims: int = 1,
    eps: float = 1e-5,
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``(x * (1 / sqrt(mean(x * x) + eps))) * gamma``.

    Over the last ``dims`` axes (Zhang and Sennrich 2019).

    Parameters
    ----------
    x : array of floats
    gamma : array of the shape of the last ``dims`` axes, optional
    dims : int
        How many of the last axes are normalised together.
    eps : float
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape and dtype.

    Raises
    ------
    ValueError
        If ``dims`` is out of range or gamma has another shape.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.rms_norm(np.float32([[2, -2]]), eps=0.0)
    array([[ 1., -1.]], dtype=float32)
    """
    return _rms_norm((x, gamma), {"dims": dims, "eps": eps}, out, threads)


def batch_norm(
    x: ArrayLike,
    gamma: ArrayLike | None,
    beta: ArrayLike | None,
    mean: ArrayLike,
    var: ArrayLike,
    *,
    eps: float = 1e-5,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``fma(x, s, t)`` with ``s = gamma / sqrt(var + eps)`` and ``t = fma(-mean, s, beta)``.

    Inference with given statistics (Ioffe and Szegedy 2015): the scale and shift of the epilogue, so that it fuses
    into a convolution without changing a bit.

    Parameters
    ----------
    x : array (n, channels, ...), or (n, ..., channels) with ``layout="NHWC"``
    gamma, beta : arrays (channels,) or None
    mean, var : arrays (channels,)
    eps : float
    layout : {"NCHW", "NHWC"}
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape and dtype.

    Raises
    ------
    ValueError
        If a parameter has another shape or the layout is unknown.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.batch_norm(np.float32([[3, 5]]), None, None, np.float32([1, 1]), np.float32([4, 4]), eps=0.0)
    array([[1., 2.]], dtype=float32)
    """
    return _batch_norm((x, gamma, beta, mean, var), {"eps": eps, "layout": layout}, out, threads)


def batch_norm_scale(
    gamma: ArrayLike | None,
    beta: ArrayLike | None,
    mean: ArrayLike,
    var: ArrayLike,
    *,
    eps: float = 1e-5,
) -> tuple[Array, Array]:
    """The scale ``s = gamma / sqrt(var + eps)`` and shift ``t = fma(-mean, s, beta)`` of :func:`batch_norm`.

    A product with this ``scale=`` and ``shift=`` has the bits of the product followed by ``batch_norm``.

    Parameters
    ----------
    gamma, beta : arrays (channels,) or None
    mean, var : arrays (channels,)
        All of one dtype, float32 or float64.
    eps : float

    Returns
    -------
    scale, shift : arrays (channels,)

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If the dtypes differ, or are neither float32 nor float64.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.batch_norm_scale(None, None, np.float32([1, 1]), np.float32([4, 16]), eps=0.0)
    (array([0.5 , 0.25], dtype=float32), array([-0.5 , -0.25], dtype=float32))
    """
    scale, shift = _batch_norm_scale((gamma, beta, mean, var), {"eps": eps})
    return scale, shift


def group_norm(
    x: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    eps: float = 1e-5,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """``layer_norm`` over each group of channels and all of space.

    Sums run over space for each channel first, then over the channels (Wu and He 2018). One group a channel is instance
    normalisation.

    Parameters
    ----------
    x : array (n, channels, ...), or (n, ..., channels) with ``layout="NHWC"``
    groups : int
        Divides the number of channels.
    gamma, beta : arrays (channels,), optional
    eps : float
    layout : {"NCHW", "NHWC"}
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Of ``x``'s shape and dtype.

    Raises
    ------
    ValueError
        If ``groups`` does not divide the channels, a parameter has another shape or the layout is unknown.
    TypeError
        If a dtype is not a float.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.group_norm(np.float32([[1, 3, 5, 9]]), 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """
    return _group_norm((x, gamma, beta), {"groups": groups, "eps": eps, "layout": layout}, out, threads)
