"""Pooling by averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stretto.ops.types import Array, ArrayLike, Padding

_avg_pool1d = _core.op("avg_pool1d")
_avg_pool2d = _core.op("avg_pool2d")
_avg_pool3d = _core.op("avg_pool3d")
_global_avg_pool = _core.op("global_avg_pool")


def avg_pool1d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Average of each window, over one spatial axis.

    ``y[n, c, o] = sum(x[n, c, p] over the window's taps p) / count``, by the contract's sum rule:
    taps in C order in 16 stripes, a tap outside ``x`` as +0 in its place; true division. A
    window without a counted tap gives +0.

    Parameters
    ----------
    x : array (N, C, W), or (N, W, C) with ``layout="NHWC"``
        Of floats.
    kernel_size : int
        Taps of the window.
    stride : int, optional
        Between windows; ``kernel_size`` by default.
    padding : int, tuple of 1, 1 pairs (before, after), "same" or "valid"
        At most half of the window's span. What the padding adds counts as +0. ``"same"`` is ONNX's
        SAME_UPPER: ``ceil(size / stride)`` outputs.
    dilation : int
        Between taps.
    ceil_mode : bool
        Whether to keep a last window that reaches beyond the padded ``x`` but starts inside ``x`` or its first padding,
        as in PyTorch.
    count_include_pad : bool
        Whether taps in the padding count in the divisor; taps beyond it never do.
    layout : {"NCHW", "NHWC"}
        Where the channels are.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Along each spatial axis ``floor((size + before + after - dilation * (kernel_size - 1) - 1) / stride) + 1``, with
        ``ceil`` in ceil mode.

    Raises
    ------
    ValueError
        If a number is out of range, or the window is larger than the padded ``x``.
    TypeError
        If x is not of floats.
    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.avg_pool1d(np.array([[[1., 5., 2., 4.]]]), 2)
    array([[[3., 3.]]])
    """
    return _avg_pool1d(
        (x,),
        {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
            "layout": layout,
        },
        out,
        threads,
    )


def avg_pool2d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Average of each window, over two spatial axes.

    ``y[n, c, i, j] = sum(x[n, c, p] over the window's taps p) / count``, by the contract's sum rule:
    taps in C order in 16 stripes, a tap outside ``x`` as +0 in its place; true division. A
    window without a counted tap gives +0.

    Parameters
    ----------
    x : array (N, C, H, W), or (N, H, W, C) with ``layout="NHWC"``
        Of floats.
    kernel_size : int or tuple of 2
        Taps of the window.
    stride : int or tuple of 2, optional
        Between windows; ``kernel_size`` by default.
    padding : int, tuple of 2, 2 pairs (before, after), "same" or "valid"
        At most half of the window's span. What the padding adds counts as +0. ``"same"`` is ONNX's
        SAME_UPPER: ``ceil(size / stride)`` outputs.
    dilation : int or tuple of 2
        Between taps.
    ceil_mode : bool
        Whether to keep a last window that reaches beyond the padded ``x`` but starts inside ``x`` or its first padding,
        as in PyTorch.
    count_include_pad : bool
        Whether taps in the padding count in the divisor; taps beyond it never do.
    layout : {"NCHW", "NHWC"}
        Where the channels are.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Along each spatial axis ``floor((size + before + after - dilation * (kernel_size - 1) - 1) / stride) + 1``, with
        ``ceil`` in ceil mode.

    Raises
    ------
    ValueError
        If a number is out of range, or the window is larger than the padded ``x``.
    TypeError
        If x is not of floats.
    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.avg_pool2d(np.arange(16.).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    return _avg_pool2d(
        (x,),
        {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
            "layout": layout,
        },
        out,
        threads,
    )


def avg_pool3d(
    x: ArrayLike,
    kernel_size: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Average of each window, over three spatial axes.

    ``y[n, c, l, i, j] = sum(x[n, c, p] over the window's taps p) / count``, by the contract's sum rule:
    taps in C order in 16 stripes, a tap outside ``x`` as +0 in its place; true division. A
    window without a counted tap gives +0.

    Parameters
    ----------
    x : array (N, C, D, H, W), or (N, D, H, W, C) with ``layout="NHWC"``
        Of floats.
    kernel_size : int or tuple of 3
        Taps of the window.
    stride : int or tuple of 3, optional
        Between windows; ``kernel_size`` by default.
    padding : int, tuple of 3, 3 pairs (before, after), "same" or "valid"
        At most half of the window's span. What the padding adds counts as +0. ``"same"`` is ONNX's
        SAME_UPPER: ``ceil(size / stride)`` outputs.
    dilation : int or tuple of 3
        Between taps.
    ceil_mode : bool
        Whether to keep a last window that reaches beyond the padded ``x`` but starts inside ``x`` or its first padding,
        as in PyTorch.
    count_include_pad : bool
        Whether taps in the padding count in the divisor; taps beyond it never do.
    layout : {"NCHW", "NHWC"}
        Where the channels are.
    out : array, optional
    threads : int, optional

    Returns
    -------
    array
        Along each spatial axis ``floor((size + before + after - dilation * (kernel_size - 1) - 1) / stride) + 1``, with
        ``ceil`` in ceil mode.

    Raises
    ------
    ValueError
        If a number is out of range, or the window is larger than the padded ``x``.
    TypeError
        If x is not of floats.
    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.avg_pool3d(np.zeros((1, 2, 8, 8, 8)), (1, 2, 2)).shape
    (1, 2, 8, 4, 4)
    """
    return _avg_pool3d(
        (x,),
        {
            "kernel_size": kernel_size,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad,
            "layout": layout,
        },
        out,
        threads,
    )


def global_avg_pool(
    x: ArrayLike,
    *,
    keepdims: bool = True,
    layout: str = "NCHW",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Average of all positions of each channel of each sample.

    As :func:`avg_pool2d` with a window as large as ``x``, for any number of spatial axes.

    Parameters
    ----------
    x : array (N, C, space...), or (N, space..., C) with ``layout="NHWC"``
    keepdims : bool
        Whether the spatial axes stay, with one element each.
    layout : {"NCHW", "NHWC"}
    out : array, optional
    threads : int, optional

    Returns
    -------
    array (N, C, 1, ...), (N, 1, ..., C), or (N, C)

    Raises
    ------
    ValueError
        If ``x`` has no spatial axes or they are empty.
    TypeError
        If x is not of floats.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.global_avg_pool(np.arange(8.).reshape(1, 2, 2, 2), keepdims=False)
    array([[1.5, 5.5]])
    """
    return _global_avg_pool((x,), {"keepdims": keepdims, "layout": layout}, out, threads)
