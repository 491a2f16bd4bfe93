"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from stretto.layers.layer import Layer


class Sequential(Layer):
    """Apply layers, or any functions of one array, one after the other.

    Parameters
    ----------
    *layers : callable
        The n-th one's parameters are named ``"n.weight"`` and so on.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> net = st.Sequential(st.Linear(3, 4, activation="relu"), st.Linear(4, 2))
    >>> net(np.ones((5, 3), "f4")).shape
    (5, 2)
    >>> list(net.parameters())
    ['0.weight', '0.bias', '1.weight', '1.bias']
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        self.layers = tuple(layers)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parts(self) -> Iterator[tuple[str, Layer]]:
        for number, layer in enumerate(self.layers):
            if isinstance(layer, Layer):
                yield str(number), layer

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
