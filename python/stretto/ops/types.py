"""Types of arguments, for annotations only."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike as NumPyArrayLike
from numpy.typing import DTypeLike as DTypeLike

from stretto._core import PreparedWeight

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
ArrayLike: TypeAlias = NumPyArrayLike | PreparedWeight
Activation: TypeAlias = str | tuple[str, float]
# A number, one for each axis, a (before, after) pair for each axis, "same" or "valid".
Padding: TypeAlias = int | str | tuple[int, ...] | tuple[tuple[int, int], ...]
