"""What every layer is: named parameters and a forward function."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from stretto.program import Array as Array
from stretto.program import Changes, on_host
from stretto.symbol import Symbol

# Strings: NumPy loads np.random at its first use, which is not to be the import of stretto.
Rng: TypeAlias = "int | np.random.Generator | None"
Initializer: TypeAlias = "Callable[[np.random.Generator, tuple[int, ...]], Array]"

__all__ = ["Array", "Initializer", "Layer", "Rng", "glorot", "he", "ones", "zeros"]


class Layer:
    """A layer: attributes that are arrays are its parameters, attributes that are layers are its parts.

    Parameters are read-only arrays. To change one, assign an array of the same shape and dtype: then every open plan
    sees it. Write ``forward``; call the layer. Buffers such as running statistics are parameters like any other.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> class Scale(st.Layer):
    ...     def __init__(self):
    ...         self.factor = np.full(1, 2, "f4")
    ...     def forward(self, x):
    ...         return st.mul(x, self.factor)
    >>> Scale()(np.ones(3, "f4"))
    array([2., 2., 2.], dtype=float32)
    >>> list(Scale().parameters())
    ['factor']
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if is_array(value) and not name.startswith("_"):
            held: Any = self.__dict__.get(name)
            if is_array(held) and (held.shape, held.dtype) != (value.shape, value.dtype):
                raise ValueError(
                    f"{type(self).__name__}: {name} has the wrong shape or dtype: "
                    f"it is {value.dtype} {value.shape}; it must be {held.dtype} {held.shape}"
                )
            if isinstance(value, np.ndarray):
                value = np.array(value, order="C")
                value.flags.writeable = False
            else:
                value = value.copy()
            object.__setattr__(self, name, value)
            Changes.count += 1  # after the assignment: who sees the number sees the array
        else:
            object.__setattr__(self, name, value)

    def __call__(self, *inputs: Any) -> Any:
        for x in inputs:
            if type(x) is Symbol:
                x._trace.enter(self)
                break
        return self.forward(*inputs)

    def forward(self, *inputs: Any) -> Any:
        """What the layer computes, written with ``st`` functions and other layers."""
        raise NotImplementedError(f"{type(self).__name__} has no forward function")

    def parts(self) -> Iterator[tuple[str, Layer]]:
        """The layers inside, by attribute; lists and tuples of layers are numbered."""
        for name, value in vars(self).items():
            if isinstance(value, Layer):
                yield name, value
            elif isinstance(value, (list, tuple)):
                for number, item in enumerate(value):
                    if isinstance(item, Layer):
                        yield f"{name}.{number}", item

    def named_parameters(self) -> Iterator[tuple[str, Layer, str, Array]]:
        """(path, owner, attribute, array) of every parameter; a shared layer counts once, where it is met first."""
        yield from self._named_parameters("", set())

    def _named_parameters(self, prefix: str, seen: set[int]) -> Iterator[tuple[str, Layer, str, Array]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        for name, value in vars(self).items():
            if is_array(value) and not name.startswith("_"):
                yield prefix + name, self, name, value
        for name, part in self.parts():
            yield from part._named_parameters(f"{prefix}{name}.", seen)

    def parameters(self) -> dict[str, Array]:
        """Every parameter by its path, such as ``"0.weight"``."""
        return {path: array for path, _, _, array in self.named_parameters()}

    def initializers(self) -> dict[str, Initializer]:
        """How the layer's own parameters are drawn; those left out stay as they are."""
        return {}

    def initialize(self, rng: Rng = None) -> Layer:
        """Draw all parameters anew, as a function of (seed, path of the parameter), never of call order.

        Parameters
        ----------
        rng : int or np.random.Generator, optional
            The seed; a generator gives one by one draw. Without it the seed is new each time.

        Returns
        -------
        Layer
            Itself.
        """
        if rng is None:
            rng = np.random.default_rng()
        seed = int(rng.integers(2**63)) if isinstance(rng, np.random.Generator) else int(rng)
        for path, owner, name, array in self.named_parameters():
            draw = owner.initializers().get(name)
            if draw is not None:
                drawn = draw(_generator(seed, path), array.shape).astype(array.dtype)
                setattr(owner, name, _beside(array, drawn))
        return self

    def to_device(self) -> Layer:
        """Move all parameters to the current GPU, as CuPy arrays: then the layer takes CuPy arrays.

        Returns
        -------
        Layer
            Itself.
        """
        cupy = importlib.import_module("cupy")
        for _, owner, name, array in list(self.named_parameters()):
            setattr(owner, name, cupy.asarray(array))
        return self

    def to_host(self) -> Layer:
        """Move all parameters to the host's memory, as NumPy arrays.

        Returns
        -------
        Layer
            Itself.
        """
        for _, owner, name, array in list(self.named_parameters()):
            setattr(owner, name, on_host(array))
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all parameters as safetensors."""
        from safetensors.numpy import save_file

        save_file({name: on_host(array) for name, array in self.parameters().items()}, os.fspath(path))

    def load(self, path: str | os.PathLike[str]) -> Layer:
        """Read all parameters from safetensors; open plans use them from their next call on.

        Raises
        ------
        ValueError
            If a parameter is missing, unexpected, or of another shape or dtype; then nothing is changed.
        """
        from safetensors.numpy import load_file

        arrays = load_file(os.fspath(path))
        own = list(self.named_parameters())
        expected = {name for name, *_ in own}
        missing, unexpected = sorted(expected - arrays.keys()), sorted(arrays.keys() - expected)
        if missing or unexpected:
            raise ValueError(
                f"load: the parameters of {os.fspath(path)!r} do not fit: missing {missing}, unexpected {unexpected}"
            )
        for name, _, _, array in own:
            if (array.shape, array.dtype) != (arrays[name].shape, arrays[name].dtype):
                raise ValueError(
                    f"load: {name} does not fit: the file has {arrays[name].dtype} {arrays[name].shape}; "
                    f"the network has {array.dtype} {array.shape}"
                )
        for name, owner, attribute, held in own:
            setattr(owner, attribute, _beside(held, arrays[name]))
        return self

    def __repr__(self) -> str:
        options = ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if not is_array(value) and not isinstance(value, Layer) and not name.startswith("_")
        )
        return f"{type(self).__name__}({options})"


def is_array(value: Any) -> bool:
    """Whether this is a NumPy or a CuPy array."""
    on_device = getattr(sys.modules.get("cupy"), "ndarray", None)  # None also while CuPy is being imported
    return isinstance(value, np.ndarray) or (isinstance(on_device, type) and isinstance(value, on_device))


def _beside(held: Any, array: Array) -> Any:
    """The array where the other one is."""
    return array if isinstance(held, np.ndarray) else sys.modules["cupy"].asarray(array)


def _generator(seed: int, path: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *path.encode()])))


def he(fan_in: int) -> Initializer:
    """Uniform within sqrt(6 / fan_in): keeps the variance through relu (He et al., 2015)."""
    bound = (6.0 / max(1, fan_in)) ** 0.5
    return lambda generator, shape: generator.uniform(-bound, bound, shape)


def glorot(fan_in: int, fan_out: int) -> Initializer:
    """Uniform within sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = (6.0 / max(1, fan_in + fan_out)) ** 0.5
    return lambda generator, shape: generator.uniform(-bound, bound, shape)


def zeros(_: np.random.Generator, shape: Sequence[int]) -> Array:
    """All zeros."""
    return np.zeros(shape)


def ones(_: np.random.Generator, shape: Sequence[int]) -> Array:
    """All ones."""
    return np.ones(shape)
