"""Programs: what a network computes, as a flat list of steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeAlias

import numpy as np

from stretto import _core

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Type: TypeAlias = tuple[str, tuple[int, ...]]

NO_BATCH = _core.NO_BATCH
MIXES_SAMPLES = _core.MIXES_SAMPLES
__all__ = ["Program", "Size", "Step", "Value"]


class Changes:
    """Counts the assignments to parameters, so that an open plan sees in one look that nothing has changed."""

    count = 0


@dataclass(frozen=True, slots=True)
class Size:
    """A size that follows the number of samples: ``factor * N + offset``. Legal in ``reshape`` and nowhere else."""

    factor: int = 1
    offset: int = 0

    def at(self, samples: int) -> int:
        return self.factor * samples + self.offset

    def __str__(self) -> str:
        text = "N" if self.factor == 1 else f"{self.factor}N"
        return text + (f"{self.offset:+d}" if self.offset else "")

    __repr__ = __str__

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"the batch size {self} of a trace is a symbol: it may stand in st.reshape and nowhere else")

    __int__ = __index__ = __bool__ = __float__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __floordiv__ = __truediv__ = __rfloordiv__ = __rtruediv__ = __mod__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


Shape: TypeAlias = tuple[int | Size, ...]


def located(op: str, name: str, array: Any) -> tuple[Any, int | None]:
    """The array as NumPy's, or as CuPy's with the number of its GPU."""
    if isinstance(array, np.ndarray):
        return array, None
    if _core.is_on_device(array):
        return _core.as_cupy(op, name, array)
    return np.asarray(array), None


def on_host(array: Any) -> Any:
    """The array as NumPy's, copied where it is CuPy's."""
    return array if isinstance(array, np.ndarray) else sys.modules["cupy"].asnumpy(array)


def sizes_at(shape: Sequence[int | Size], samples: int) -> tuple[int, ...]:
    """The shape for a number of samples."""
    return tuple(size.at(samples) if isinstance(size, Size) else size for size in shape)


@dataclass(frozen=True, slots=True)
class Value:
    """What a step reads or writes: dtype, shape, and which axis is the batch (or ``NO_BATCH``)."""

    dtype: str
    shape: Shape
    batch: int
    origin: str  # "input", "parameter", "constant" or "step"
    name: str

    def __str__(self) -> str:
        sizes = ", ".join(map(str, self.shape)) + ("," if len(self.shape) == 1 else "")
        return f"{self.dtype} ({sizes})"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an op on values, by their index in the Program."""

    op: str
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    attributes: tuple[tuple[str, Any], ...] = ()
    mixes: bool = False  # the batch may not be cut at this step

    def attributes_at(self, samples: int) -> dict[str, Any]:
        """The attributes for a number of samples."""
        return {key: _at(value, samples) for key, value in self.attributes}


def _at(value: Any, samples: int) -> Any:
    if isinstance(value, Size):
        return value.at(samples)
    if isinstance(value, tuple):
        return tuple(_at(item, samples) for item in value)
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Steps in single-assignment form over values of known dtype and shape. Data: it does nothing.

    Printed one line a step. Two Programs are equal when their values, steps and captured arrays are; the values of
    parameters do not count. A pickled Program carries the parameters' present values.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> program = st.trace(lambda x: st.relu(st.mul(x, x)), np.ones((2, 3), "f4"))
    >>> [step.op for step in program.steps]
    ['mul', 'relu']
    """

    values: tuple[Value, ...]
    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    returns_tuple: bool
    example_samples: int
    constants: Mapping[int, Array] = field(repr=False)
    owners: Mapping[int, tuple[Any, str]] = field(repr=False)  # parameter -> (layer, attribute)

    @property
    def parameters(self) -> dict[str, int]:
        """The parameters' names and values."""
        return {v.name: i for i, v in enumerate(self.values) if v.origin == "parameter"}

    def array(self, value: int) -> Array:
        """The present array of a parameter or captured array."""
        if value in self.owners:
            layer, attribute = self.owners[value]
            array: Array = getattr(layer, attribute)
            return array
        return self.constants[value]

    def with_precision(self, precision: str) -> Program:
        """The same program with another precision of its sums of products, where they have the default one."""
        if precision == "highest":
            return self
        steps = tuple(
            replace(
                step,
                attributes=tuple(
                    (key, precision if (key, value) == ("precision", "highest") else value)
                    for key, value in step.attributes
                ),
            )
            for step in self.steps
        )
        return replace(self, steps=steps)

    def types(self, samples: int) -> list[Type]:
        """Dtype and shape of every value for a number of samples: shape inference, run again."""
        types: list[Type | None] = [
            None if v.origin == "step" else (v.dtype, sizes_at(v.shape, samples)) for v in self.values
        ]
        for step in self.steps:
            inputs = [None if i is None else types[i] for i in step.inputs]
            inferred = _core.op(step.op).infer(inputs, step.attributes_at(samples))
            for output, inferred_type in zip(step.outputs, inferred, strict=True):
                types[output] = inferred_type
        return [t for t in types if t is not None]

    def mixing_step(self) -> int | None:
        """The first step that mixes samples, so that no schedule may cut the batch; None when there is none."""
        return next((i for i, step in enumerate(self.steps) if step.mixes), None)

    def why_not_cut(self) -> str | None:
        """Why no schedule may cut the batch; None when every schedule may."""
        mixing = self.mixing_step()
        if mixing is not None:
            return f"step {mixing} ({self.steps[mixing].op}) mixes samples"
        if all(self.values[i].batch == NO_BATCH for i in self.inputs):
            return "no input has a batch axis"
        for i in self.outputs:
            if self.values[i].batch == NO_BATCH:
                return f"the output {self.label(i)} has no batch axis"
        return None

    def readers(self) -> dict[int, list[int]]:
        """The steps that read each value."""
        readers: dict[int, list[int]] = {}
        for index, step in enumerate(self.steps):
            for value in step.inputs:
                if value is not None:
                    readers.setdefault(value, []).append(index)
        return readers

    def producers(self) -> dict[int, int]:
        """The step that writes each value; inputs, parameters and captured arrays have none."""
        return {value: index for index, step in enumerate(self.steps) for value in step.outputs}

    def label(self, value: int) -> str:
        """How a value is called in print."""
        return self.values[value].name or f"%{value}"

    def describe(self, step: int) -> str:
        """One step as it is printed."""
        s = self.steps[step]
        operands = []
        for name, value in zip(_input_names(s), s.inputs, strict=True):
            if value is not None:
                label = self.label(value)
                operands.append(f"{name.rstrip('?')}={label}" if name.endswith("?") else label)
        attributes = [f"{key}={value!r}" for key, value in s.attributes]
        outputs = ", ".join(f"{self.label(i)}: {self.values[i]}" for i in s.outputs)
        return f"{outputs} = {s.op}({', '.join(operands + attributes)})" + ("  # mixes samples" if s.mixes else "")

    def __str__(self) -> str:
        head = ", ".join(f"{self.label(i)}: {self.values[i]}" for i in self.inputs)
        lines = [f"program({head})"]
        lines += [f"  {self.describe(i)}" for i in range(len(self.steps))]
        lines.append(f"  return {', '.join(map(self.label, self.outputs))}")
        return "\n".join(lines)

    def _key(self) -> tuple[Any, ...]:
        return (self.values, self.steps, self.inputs, self.outputs, self.returns_tuple)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return self._key() == other._key() and all(
            a.tobytes() == other.constants[i].tobytes()
            for i, a in self.constants.items()
            if self.values[i].origin == "constant"
        )

    def __hash__(self) -> int:
        return hash(self._key())

    def __getstate__(self) -> tuple[Any, ...]:
        arrays = {i: self.array(i) for i, v in enumerate(self.values) if v.origin in ("parameter", "constant")}
        return (*self._key(), self.example_samples, arrays)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        names = ("values", "steps", "inputs", "outputs", "returns_tuple", "example_samples", "constants")
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "owners", {})


def _input_names(step: Step) -> Iterator[str]:
    names = _core.op(step.op).inputs
    for i in range(len(step.inputs)):
        yield names[min(i, len(names) - 1)]
