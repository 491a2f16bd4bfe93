"""Transposed convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Activation, Array, ArrayLike, DTypeLike, Padding

_conv_transpose1d = _core.op("conv_transpose1d")
_conv_transpose2d = _core.op("conv_transpose2d")
_conv_transpose3d = _core.op("conv_transpose3d")


def conv_transpose1d(
    x: ArrayLike,
    w: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    stride: int | tuple[int] = 1,
    padding: Padding = 0,
    output_padding: int | tuple[int] = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Transposed convolution over 1 axis, with an optional epilogue.

    ``z[n, o, p] = sum_{c, t} w[c, o, t] * x[n, c, (p + before - t * dilation) / stride]`` over the taps t whose
    division is exact; then the epilogue of :func:`conv1d`.

    Parameters
    ----------
    x : array (N, C, L), or (N, L, C) with ``layout="NHWC"``
    w : array (C, O / groups, kl), or a weight prepared with ``prepare(w, op="conv_transpose1d", ...)``
    bias, scale, shift : arrays (O,), optional
    residual : array that broadcasts to the result, optional
    stride, padding, dilation, groups, layout : as in :func:`conv1d`
        Padding takes away from the result; ``"same"`` gives ``size * stride``.
    output_padding : int or one int
        Added behind the result; smaller than the stride or the dilation.
    activation, dtype, precision, out, threads : as in :func:`conv1d`

    Returns
    -------
    array (N, O, ...), or (N, ..., O) with ``layout="NHWC"``
        Sizes are ``(size - 1) * stride - before - after + (k - 1) * dilation + 1 + output_padding``.

    Raises
    ------
    ValueError
        If ranks, channels, groups or sizes do not fit together, or an option is out of range.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.conv_transpose1d(np.ones((1, 1, 3), "f4"), np.ones((1, 1, 2), "f4"), stride=2)
    array([[[1., 1., 1., 1., 1., 1.]]], dtype=float32)
    """
    return _conv_transpose1d(
        (x, w, bias, scale, shift, residual),
        {
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
            "activation": activation,
            "dtype": dtype,
            "precision": precision,
        },
        out,
        threads,
    )


def conv_transpose2d(
    x: ArrayLike,
    w: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    output_padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Transposed convolution over 2 axises, with an optional epilogue.

    ``z[n, o, p] = sum_{c, t} w[c, o, t] * x[n, c, (p + before - t * dilation) / stride]`` over the taps t whose
    division is exact; then the epilogue of :func:`conv2d`.

    Parameters
    ----------
    x : array (N, C, H, W), or (N, H, W, C) with ``layout="NHWC"``
    w : array (C, O / groups, kh, kw), or a weight prepared with ``prepare(w, op="conv_transpose2d", ...)``
    bias, scale, shift : arrays (O,), optional
    residual : array that broadcasts to the result, optional
    stride, padding, dilation, groups, layout : as in :func:`conv2d`
        Padding takes away from the result; ``"same"`` gives ``size * stride``.
    output_padding : int or 2 ints
        Added behind the result; smaller than the stride or the dilation.
    activation, dtype, precision, out, threads : as in :func:`conv2d`

    Returns
    -------
    array (N, O, ...), or (N, ..., O) with ``layout="NHWC"``
        Sizes are ``(size - 1) * stride - before - after + (k - 1) * dilation + 1 + output_padding``.

    Raises
    ------
    ValueError
        If ranks, channels, groups or sizes do not fit together, or an option is out of range.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.conv_transpose2d(np.ones((1, 8, 4, 4), "f4"), np.ones((8, 3, 2, 2), "f4"), stride=2).shape
    (1, 3, 8, 8)
    """
    return _conv_transpose2d(
        (x, w, bias, scale, shift, residual),
        {
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
            "activation": activation,
            "dtype": dtype,
            "precision": precision,
        },
        out,
        threads,
    )


def conv_transpose3d(
    x: ArrayLike,
    w: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    stride: int | tuple[int, int, int] = 1,
    padding: Padding = 0,
    output_padding: int | tuple[int, int, int] = 0,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Transposed convolution over 3 axises, with an optional epilogue.

    ``z[n, o, p] = sum_{c, t} w[c, o, t] * x[n, c, (p + before - t * dilation) / stride]`` over the taps t whose
    division is exact; then the epilogue of :func:`conv3d`.

    Parameters
    ----------
    x : array (N, C, D, H, W), or (N, D, H, W, C) with ``layout="NHWC"``
    w : array (C, O / groups, kd, kh, kw), or a weight prepared with ``prepare(w, op="conv_transpose3d", ...)``
    bias, scale, shift : arrays (O,), optional
    residual : array that broadcasts to the result, optional
    stride, padding, dilation, groups, layout : as in :func:`conv3d`
        Padding takes away from the result; ``"same"`` gives ``size * stride``.
    output_padding : int or 3 ints
        Added behind the result; smaller than the stride or the dilation.
    activation, dtype, precision, out, threads : as in :func:`conv3d`

    Returns
    -------
    array (N, O, ...), or (N, ..., O) with ``layout="NHWC"``
        Sizes are ``(size - 1) * stride - before - after + (k - 1) * dilation + 1 + output_padding``.

    Raises
    ------
    ValueError
        If ranks, channels, groups or sizes do not fit together, or an option is out of range.
    TypeError
        If a dtype is not supported.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.conv_transpose3d(np.ones((1, 2, 4, 4, 4), "f4"), np.ones((2, 3, 3, 3, 3), "f4"), padding=1).shape
    (1, 3, 4, 4, 4)
    """
    return _conv_transpose3d(
        (x, w, bias, scale, shift, residual),
        {
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "dilation": dilation,
            "groups": groups,
            "layout": layout,
            "activation": activation,
            "dtype": dtype,
            "precision": precision,
        },
        out,
        threads,
    )
