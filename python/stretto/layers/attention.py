"""Attention in several heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stretto import ops
from stretto.layers.layer import Initializer, Layer, Rng, glorot, zeros

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class MultiHeadAttention(Layer):
    """Self-attention over (N, T, features): :func:`stretto.attention` between linear maps (Vaswani et al., 2017).

    Parameters
    ----------
    features, heads : int
        ``heads`` divides ``features``. The weights ``query``, ``key``, ``value`` and ``output`` are
        (features, features), their biases ``query_bias`` and so on (features,).
    causal : bool
        Whether a position sees only those before it and itself.
    rng : int or np.random.Generator, optional
        Of the Glorot-uniform weights; biases begin at zero.
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.MultiHeadAttention(8, 2)(np.ones((3, 5, 8), "f4")).shape
    (3, 5, 8)
    """

    def __init__(
        self, features: int, heads: int, *, causal: bool = False, rng: Rng = None, dtype: DTypeLike = np.float32
    ) -> None:
        if heads < 1 or features % heads:
            raise ValueError(
                f"MultiHeadAttention: heads does not divide features: heads is {heads}, features is {features}"
            )
        self.heads = heads
        self.causal = causal
        weight, bias = np.zeros((features, features), dtype), np.zeros(features, dtype)
        self.query, self.key, self.value, self.output = weight, weight, weight, weight
        self.query_bias, self.key_bias, self.value_bias, self.output_bias = bias, bias, bias, bias
        self.initialize(rng)

    def initializers(self) -> dict[str, Initializer]:
        features = len(self.output)
        names = ("query", "key", "value", "output")
        return {name: glorot(features, features) for name in names} | {f"{name}_bias": zeros for name in names}

    def forward(self, x: Any) -> Any:
        samples, positions, features = x.shape

        def split(y: Any) -> Any:
            return ops.transpose(ops.reshape(y, (samples, positions, self.heads, features // self.heads)), (0, 2, 1, 3))

        q = split(ops.matmul(x, self.query, bias=self.query_bias))
        k = split(ops.matmul(x, self.key, bias=self.key_bias))
        v = split(ops.matmul(x, self.value, bias=self.value_bias))
        y = ops.transpose(ops.attention(q, k, v, causal=self.causal), (0, 2, 1, 3))
        return ops.matmul(ops.reshape(y, (samples, positions, features)), self.output, bias=self.output_bias)
