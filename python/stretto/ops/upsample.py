"""Images of another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stretto.ops.types import Array, ArrayLike

_upsample2d = _core.op("upsample2d")
_upsample2d_gradient = _core.op("upsample2d_gradient")


def upsample2d(
    x: ArrayLike,
    *,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Resample the two spatial axes, as ``torch.nn.functional.interpolate`` does.

    Output position ``o`` of ``m`` along an axis of ``n`` lies at, in float64,

    * nearest: ``floor(o * n / m)``, or ``floor(o / scale_factor)``, at most ``n - 1``;
    * bilinear: ``s = max(0, (o + 0.5) * ratio - 0.5)`` with ``ratio = n / m`` or ``1 / scale_factor``, or
      ``s = o * (n - 1) / (m - 1)`` with ``align_corners``; between ``low = floor(s)`` and
      ``high = min(low + 1, n - 1)``, with the weight ``s - low``, rounded to the computation type.

    ``y[i, j] = fma(a, r(high_i), (1 - a) * r(low_i))`` where ``r(p) = fma(b, x[p, high_j], (1 - b) * x[p, low_j])``,
    ``a`` and ``b`` the weights of ``i`` and ``j``.

    Parameters
    ----------
    x : array (N, C, H, W), or (N, H, W, C) with ``layout="NHWC"``
        Of any dtype for nearest, of floats for bilinear.
    size : int or tuple of 2, optional
        Of the result. Either this or ``scale_factor``.
    scale_factor : float or tuple of 2, optional
        The result has ``floor(size * scale_factor)`` positions.
    mode : {"nearest", "bilinear"}
    align_corners : bool
        Whether the centres of the corner elements coincide, for bilinear.
    layout : {"NCHW", "NHWC"}
    out : array, optional
    threads : int, optional

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If not exactly one of ``size`` and ``scale_factor`` is given, or a size is not positive.
    TypeError
        If bilinear is asked of integers.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.upsample2d(np.array([[[[1.0, 2.0]]]]), scale_factor=2)
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    >>> st.upsample2d(np.array([[[[1.0, 2.0]]]]), size=(1, 4), mode="bilinear")
    array([[[[1.  , 1.25, 1.75, 2.  ]]]])
    """
    return _upsample2d(
        (x,),
        {
            "size": size,
            "scale_factor": scale_factor,
            "mode": mode,
            "align_corners": align_corners,
            "layout": layout,
        },
        out,
        threads,
    )


def upsample2d_gradient(
    grad: ArrayLike,
    x: ArrayLike,
    *,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Gradient of :func:`upsample2d` with respect to ``x``.

    ``dx`` starts at +0; for every output, in C order, nearest adds ``grad[i, j]`` to ``dx[low_i, low_j]``, and
    bilinear adds ``(grad[i, j] * row weight) * column weight`` to its four elements, low before high, rows
    outermost.

    Parameters
    ----------
    grad : array
        Of the shape that ``upsample2d`` gave.
    x : array
        What was resampled; only its shape matters.
    size, scale_factor, mode, align_corners, layout
        As ``upsample2d`` had them.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array of x's shape

    Raises
    ------
    ValueError
        As :func:`upsample2d`, and if ``grad`` has the wrong shape.
    TypeError
        If ``grad`` is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.upsample2d_gradient(np.ones((1, 1, 4, 4)), np.zeros((1, 1, 2, 2)), scale_factor=2)
    array([[[[4., 4.],
             [4., 4.]]]])
    """
    return _upsample2d_gradient(
        (grad, x),
        {
            "size": size,
            "scale_factor": scale_factor,
            "mode": mode,
            "align_corners": align_corners,
            "layout": layout,
        },
        out,
        threads,
    )
