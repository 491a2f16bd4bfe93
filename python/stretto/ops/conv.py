"""Convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core

if TYPE_CHECKING:
    from stretto.ops.types import Activation, Array, ArrayLike, DTypeLike, Padding

_conv1d = _core.op("conv1d")
_conv2d = _core.op("conv2d")
_conv3d = _core.op("conv3d")


def conv1d(
    x: ArrayLike,
    w: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    stride: int | tuple[int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Convolve over 1 axis (cross-correlation, as networks use the word), with an optional epilogue.

    ``y[n, o, p] = activation(fma(sum_{c, t} w[o, c, t] * x[n, c, p * stride + t * dilation - before] + bias, scale,
    shift) + residual)``, absent terms left out; x is zero outside.

    Parameters
    ----------
    x : array (N, C, L), or (N, L, C) with ``layout="NHWC"``
    w : array (O, C / groups, kl), or a weight prepared with ``prepare(w, op="conv1d", ...)``
        The same in both layouts.
    bias, scale, shift : arrays (O,), optional
        ``scale`` and ``shift`` come together.
    residual : array that broadcasts to the result, optional
        In the layout of x.
    stride, dilation : int or one int
    padding : int, one int, one (before, after) pair in a tuple, "same" or "valid"
        ``"same"`` gives ceil(size / stride) outputs, an odd zero goes behind (ONNX SAME_UPPER).
    groups : int
        Divides C and O; each group is a convolution of its own. ``groups=C`` is a depthwise convolution.
    layout : {"NCHW", "NHWC"}
        Channels first or last, of x, residual and the result; here 1 spatial axis.
    activation : str or (str, float), optional
    dtype : dtype, optional
        The computation type; ``np.result_type`` of the operands by default. int8 and uint8 wrap modulo 256; with
        ``dtype=np.int32`` their products are summed in int32 by the machine's units for bytes, without a widened copy.
    precision : {"highest", "high", "medium"}
        ``"highest"`` follows the numerical contract.
    out : array, optional
        Takes the result; may be of another dtype of the same kind.
    threads : int, optional
        At most so many threads for this call.

    Returns
    -------
    array (N, O, ...), or (N, ..., O) with ``layout="NHWC"``
        Sizes are ``(size + before + after - (k - 1) * dilation - 1) // stride + 1``.

    Raises
    ------
    ValueError
        If ranks, channels, groups or sizes do not fit together, or an option is out of range.
    TypeError
        If a dtype is not supported.

    Notes
    -----
    The sum is the contract's chain of fused multiply-adds over (channel, tap), restarted after
    ``max(1, 4096 // taps)`` channels: ``docs/numerics.md``. Sums of integers are exact modulo 2^bits of the computation
    type; none saturates.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.conv1d(np.ones((4, 2, 16), "f4"), np.ones((3, 2, 5), "f4"), padding="same").shape
    (4, 3, 16)
    """
    return _conv1d(
        (x, w, bias, scale, shift, residual),
        {
            "stride": stride,
            "padding": padding,
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


def conv2d(
    x: ArrayLike,
    w: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Convolve over 2 axises (cross-correlation, as networks use the word), with an optional epilogue.

    ``y[n, o, p] = activation(fma(sum_{c, t} w[o, c, t] * x[n, c, p * stride + t * dilation - before] + bias, scale,
    shift) + residual)``, absent terms left out; x is zero outside.

    Parameters
    ----------
    x : array (N, C, H, W), or (N, H, W, C) with ``layout="NHWC"``
    w : array (O, C / groups, kh, kw), or a weight prepared with ``prepare(w, op="conv2d", ...)``
        The same in both layouts.
    bias, scale, shift : arrays (O,), optional
        ``scale`` and ``shift`` come together.
    residual : array that broadcasts to the result, optional
        In the layout of x.
    stride, dilation : int or 2 ints
    padding : int, 2 ints, 2 (before, after) pairs in a tuple, "same" or "valid"
        ``"same"`` gives ceil(size / stride) outputs, an odd zero goes behind (ONNX SAME_UPPER).
    groups : int
        Divides C and O; each group is a convolution of its own. ``groups=C`` is a depthwise convolution.
    layout : {"NCHW", "NHWC"}
        Channels first or last, of x, residual and the result; here 2 spatial axes.
    activation : str or (str, float), optional
    dtype : dtype, optional
        The computation type; ``np.result_type`` of the operands by default. int8 and uint8 wrap modulo 256; with
        ``dtype=np.int32`` their products are summed in int32 by the machine's units for bytes, without a widened copy.
    precision : {"highest", "high", "medium"}
        ``"highest"`` follows the numerical contract.
    out : array, optional
        Takes the result; may be of another dtype of the same kind.
    threads : int, optional
        At most so many threads for this call.

    Returns
    -------
    array (N, O, ...), or (N, ..., O) with ``layout="NHWC"``
        Sizes are ``(size + before + after - (k - 1) * dilation - 1) // stride + 1``.

    Raises
    ------
    ValueError
        If ranks, channels, groups or sizes do not fit together, or an option is out of range.
    TypeError
        If a dtype is not supported.

    Notes
    -----
    The sum is the contract's chain of fused multiply-adds over (channel, tap), restarted after
    ``max(1, 4096 // taps)`` channels: ``docs/numerics.md``. Sums of integers are exact modulo 2^bits of the computation
    type; none saturates.

    Equal to ``matmul(w.reshape(O, -1), im2col(np.pad(x)))`` bit for bit when C / groups * kh * kw <= 4096.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.conv2d(np.ones((1, 1, 3, 3), "f4"), np.ones((1, 1, 3, 3), "f4"), padding=1)[0, 0]
    array([[4., 6., 4.],
           [6., 9., 6.],
           [4., 6., 4.]], dtype=float32)
    """
    return _conv2d(
        (x, w, bias, scale, shift, residual),
        {
            "stride": stride,
            "padding": padding,
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


def conv3d(
    x: ArrayLike,
    w: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    stride: int | tuple[int, int, int] = 1,
    padding: Padding = 0,
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    layout: str = "NCHW",
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Convolve over 3 axises (cross-correlation, as networks use the word), with an optional epilogue.

    ``y[n, o, p] = activation(fma(sum_{c, t} w[o, c, t] * x[n, c, p * stride + t * dilation - before] + bias, scale,
    shift) + residual)``, absent terms left out; x is zero outside.

    Parameters
    ----------
    x : array (N, C, D, H, W), or (N, D, H, W, C) with ``layout="NHWC"``
    w : array (O, C / groups, kd, kh, kw), or a weight prepared with ``prepare(w, op="conv3d", ...)``
        The same in both layouts.
    bias, scale, shift : arrays (O,), optional
        ``scale`` and ``shift`` come together.
    residual : array that broadcasts to the result, optional
        In the layout of x.
    stride, dilation : int or 3 ints
    padding : int, 3 ints, 3 (before, after) pairs in a tuple, "same" or "valid"
        ``"same"`` gives ceil(size / stride) outputs, an odd zero goes behind (ONNX SAME_UPPER).
    groups : int
        Divides C and O; each group is a convolution of its own. ``groups=C`` is a depthwise convolution.
    layout : {"NCHW", "NHWC"}
        Channels first or last, of x, residual and the result; here 3 spatial axes.
    activation : str or (str, float), optional
    dtype : dtype, optional
        The computation type; ``np.result_type`` of the operands by default. int8 and uint8 wrap modulo 256; with
        ``dtype=np.int32`` their products are summed in int32 by the machine's units for bytes, without a widened copy.
    precision : {"highest", "high", "medium"}
        ``"highest"`` follows the numerical contract.
    out : array, optional
        Takes the result; may be of another dtype of the same kind.
    threads : int, optional
        At most so many threads for this call.

    Returns
    -------
    array (N, O, ...), or (N, ..., O) with ``layout="NHWC"``
        Sizes are ``(size + before + after - (k - 1) * dilation - 1) // stride + 1``.

    Raises
    ------
    ValueError
        If ranks, channels, groups or sizes do not fit together, or an option is out of range.
    TypeError
        If a dtype is not supported.

    Notes
    -----
    The sum is the contract's chain of fused multiply-adds over (channel, tap), restarted after
    ``max(1, 4096 // taps)`` channels: ``docs/numerics.md``. Sums of integers are exact modulo 2^bits of the computation
    type; none saturates.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.conv3d(np.ones((1, 2, 4, 8, 8), "f4"), np.ones((3, 2, 3, 3, 3), "f4"), stride=(1, 2, 2)).shape
    (1, 3, 2, 3, 3)
    """
    return _conv3d(
        (x, w, bias, scale, shift, residual),
        {
            "stride": stride,
            "padding": padding,
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
