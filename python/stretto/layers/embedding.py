"""A table of vectors, looked up by integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stretto import ops
from stretto.layers.layer import Initializer, Layer, Rng

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class Embedding(Layer):
    """``y[..., :] = weight[ids[...], :]``.

    Parameters
    ----------
    rows, features : int
        ``weight`` is (rows, features).
    rng : int or np.random.Generator, optional
        Of the standard normal weight.
    dtype : dtype

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Embedding(10, 4)(np.array([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(self, rows: int, features: int, *, rng: Rng = None, dtype: DTypeLike = np.float32) -> None:
        self.weight = np.zeros((rows, features), dtype)
        self.initialize(rng)

    def initializers(self) -> dict[str, Initializer]:
        return {"weight": lambda generator, shape: generator.standard_normal(shape)}

    def forward(self, ids: Any) -> Any:
        return ops.embedding(self.weight, ids)
