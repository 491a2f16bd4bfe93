"""The affine map of the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stretto import ops
from stretto.layers.layer import Initializer, Layer, Rng, he, zeros

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from stretto.ops.types import Activation


class Linear(Layer):
    """``y = activation(x @ weight + bias)`` on the last axis.

    Parameters
    ----------
    in_features, out_features : int
        ``weight`` is (in_features, out_features), ``bias`` (out_features,).
    bias : bool
    activation : str or (str, float), optional
        Fused; the bits are those of the separate layer.
    rng : int or np.random.Generator, optional
        The seed of the He-uniform weight, new each time without it; the bias begins at zero.
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Linear(3, 2)(np.ones((4, 3), "f4")).shape
    (4, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        activation: Activation | None = None,
        rng: Rng = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.activation = activation
        self.weight = np.zeros((in_features, out_features), dtype)
        self.bias = np.zeros(out_features, dtype) if bias else None
        self.initialize(rng)

    def initializers(self) -> dict[str, Initializer]:
        return {"weight": he(self.weight.shape[0]), "bias": zeros}

    def forward(self, x: Any) -> Any:
        return ops.matmul(x, self.weight, bias=self.bias, activation=self.activation)
