"""What a network of the suite is: a function of arrays, made from fixed seeds, and examples of its inputs."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SEED = 3


@dataclass(frozen=True)
class Network:
    """A name, how the function is made, and the shapes of one sample of each of its inputs."""

    name: str
    make: Callable[[], Callable[..., Any]]
    shapes: tuple[tuple[int, ...], ...]

    def example(self, batch: int, seed: int = 0) -> tuple[Array, ...]:
        """Standard normal inputs, a function of the network's name, the batch size and the seed."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), batch, seed])
        return tuple(rng.standard_normal((batch, *shape), np.float32) for shape in self.shapes)
