"""Types of arguments, for annotations only."""

from __future__ import annotations

from typing import TypeAlias

from numpy.typing import ArrayLike as NumPyArrayLike
from numpy.typing import DTypeLike as DTypeLike

from stretto._core import Array as Array
from stretto._core import PreparedWeight

ArrayLike: TypeAlias = NumPyArrayLike | PreparedWeight
Activation: TypeAlias = str | tuple[str, float]
# A number, one for each axis, a (before, after) pair for each axis, "same" or "valid".
Padding: TypeAlias = int | str | tuple[int, ...] | tuple[tuple[int, int], ...]
