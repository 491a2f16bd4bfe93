"""Matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stretto import _core
from stretto.ops.plain_call import plain_call

if TYPE_CHECKING:
    from stretto.ops.types import Activation, Array, ArrayLike, DTypeLike

_matmul = _core.op("matmul")


@plain_call(_matmul)
def matmul(
    a: ArrayLike,
    b: ArrayLike,
    *,
    bias: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
    residual: ArrayLike | None = None,
    activation: Activation | None = None,
    dtype: DTypeLike | None = None,
    precision: str = "highest",
    out: Array | None = None,
    threads: int | None = None,
) -> Array:
    """Multiply stacks of matrices, with an optional epilogue.

    ``y[..., i, j] = activation(fma(dot(a[..., i, :], b[..., :, j]) + bias, scale, shift) + residual)``, absent terms
    left out. Signature ``(m?,k),(k,n?)->(m?,n?)``; leading axes broadcast, one-dimensional operands are promoted, and
    ``out`` is treated as ``np.matmul`` does.

    Parameters
    ----------
    a : array (..., m, k) or (k,)
    b : array (..., k, n) or (k,), or a weight prepared with ``prepare(w, op="matmul")``
    bias, scale, shift, residual : arrays that broadcast to the result, optional
        ``scale`` and ``shift`` come together.
    activation : str or (str, float), optional
        As in :func:`stretto.activation_names`; ``("leaky_relu", 0.1)`` gives the parameter.
    dtype : dtype, optional
        The computation type; ``np.result_type(a, b)`` by default. int8 and uint8 wrap modulo 256, as in NumPy; with
        ``dtype=np.int32`` their products are summed in int32 by the machine's units for bytes, without a widened copy.
    precision : {"highest", "high", "medium"}
        ``"highest"`` follows the numerical contract; the others may use less exact units of the machine.
    out : array (..., m, n), optional
        May be of another dtype of the same kind and may overlap the inputs.
    threads : int, optional
        At most so many threads for this call.

    Returns
    -------
    array (..., m, n)

    Raises
    ------
    ValueError
        If the inner dimensions differ or the leading axes do not broadcast.
    TypeError
        If a dtype is not supported.

    Notes
    -----
    The sum is the contract's chain of fused multiply-adds, restarted every 4096 terms: ``docs/numerics.md``. Sums of
    integers are exact modulo 2^bits of the computation type; none saturates.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.matmul(np.ones((8, 2, 3), "f4"), np.ones((3, 4), "f4")).shape
    (8, 2, 4)
    >>> st.matmul(np.full((1, 3), 100, "i1"), np.full((3, 1), 100, "i1"), dtype=np.int32)
    array([[30000]], dtype=int32)
    """
    is_plain = bias is None and scale is None and shift is None and residual is None
    return _matmul(
        (a, b) if is_plain else (a, b, bias, scale, shift, residual),
        {"activation": activation, "dtype": dtype, "precision": precision},
        out,
        threads,
    )
