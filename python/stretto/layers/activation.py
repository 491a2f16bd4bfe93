"""Activations as layers: each applies the function of its name, element by element."""

from __future__ import annotations

from typing import Any

from stretto import ops
from stretto.layers.layer import Layer

__all__ = [
    "ELU",
    "GELU",
    "HardSigmoid",
    "HardSwish",
    "LeakyReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
]


class ReLU(Layer):
    """:func:`stretto.relu` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.ReLU()(np.array([-4.0, 0.0, 8.0], "f4"))
    array([0., 0., 8.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.relu(x)


class ReLU6(Layer):
    """:func:`stretto.relu6` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.ReLU6()(np.array([-4.0, 0.0, 8.0], "f4"))
    array([0., 0., 6.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.relu6(x)


class LeakyReLU(Layer):
    """:func:`stretto.leaky_relu` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.LeakyReLU(0.5)(np.array([-4.0, 0.0, 8.0], "f4"))
    array([-2.,  0.,  8.], dtype=float32)
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        return ops.leaky_relu(x, self.slope)


class ELU(Layer):
    """:func:`stretto.elu` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.ELU(2.0)(np.array([0.0, 8.0], "f4"))
    array([0., 8.], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return ops.elu(x, self.alpha)


class Sigmoid(Layer):
    """:func:`stretto.sigmoid` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Sigmoid()(np.array([0.0, 200.0], "f4"))
    array([0.5, 1. ], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.sigmoid(x)


class HardSigmoid(Layer):
    """:func:`stretto.hard_sigmoid` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.HardSigmoid()(np.array([-4.0, 0.0, 8.0], "f4"))
    array([0. , 0.5, 1. ], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.hard_sigmoid(x)


class HardSwish(Layer):
    """:func:`stretto.hard_swish` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.HardSwish()(np.array([-4.0, 0.0, 8.0], "f4"))
    array([-0.,  0.,  8.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.hard_swish(x)


class Tanh(Layer):
    """:func:`stretto.tanh` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Tanh()(np.array([0.0, 200.0], "f4"))
    array([0., 1.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.tanh(x)


class GELU(Layer):
    """:func:`stretto.gelu` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.GELU("tanh")(np.array([0.0, 200.0], "f4"))
    array([  0., 200.], dtype=float32)
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return ops.gelu(x, self.approximate)


class SiLU(Layer):
    """:func:`stretto.silu` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.SiLU()(np.array([0.0, 200.0], "f4"))
    array([  0., 200.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.silu(x)


class Softplus(Layer):
    """:func:`stretto.softplus` as a layer.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> st.Softplus()(np.array([-200.0, 200.0], "f4"))
    array([  0., 200.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        return ops.softplus(x)
