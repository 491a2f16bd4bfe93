"""Tracing: a function runs once on symbols, and what it does is written down as a Program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stretto import _core
from stretto.program import MIXES_SAMPLES, NO_BATCH, Array, Program, Shape, Size, Step, Type, Value, located, sizes_at
from stretto.symbol import Symbol

__all__ = ["Trace", "trace"]


class Trace:
    """A Program in the making: every value is inferred for two batch sizes, which shows what follows N."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.open = True
        self.values: list[Value] = []
        self.steps: list[Step] = []
        self.constants: dict[int, Array] = {}
        self.owners: dict[int, tuple[Any, str]] = {}
        self.parameters: dict[int, tuple[str, Any, str]] = {}  # by id of the array
        self.held: list[Any] = []  # keeps ids valid
        self.known: dict[int, int] = {}  # id of an array -> its value
        self.entered: dict[int, str] = {}
        self.depth = 0

    def add(self, value: Value) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def enter(self, layer: Any) -> None:
        """Learn the names of a layer's parameters, when it is called and nobody named it before."""
        if id(layer) in self.entered:
            return
        kind = type(layer).__name__
        number = sum(name.rsplit("_", 1)[0] == kind for name in self.entered.values())
        self.name_layer(layer, f"{kind}_{number}")

    def name_layer(self, layer: Any, name: str) -> None:
        self.entered[id(layer)] = name
        self.held.append(layer)
        for path, owner, attribute, array in layer.named_parameters():
            self.held.append(array)
            self.entered.setdefault(id(owner), name)
            self.parameters.setdefault(id(array), (f"{name}.{path}" if name else path, owner, attribute))

    def capture(self, array: Array) -> int:
        """The value of an array that is not a symbol."""
        known = self.known.get(id(array))
        if known is not None and (known in self.owners or same_elements(self.constants[known], array)):
            return known
        parameter = self.parameters.get(id(array))
        origin, name = ("parameter", parameter[0]) if parameter else ("constant", "")
        value = self.add(Value(array.dtype.name, tuple(array.shape), NO_BATCH, origin, name))
        if parameter:
            self.owners[value] = parameter[1:]
        else:
            self.constants[value] = own_copy(array)
        self.held.append(array)
        self.known[id(array)] = value
        return value

    def record(self, op: _core.Op, inputs: tuple[Any, ...], keywords: dict[str, Any], out: Any) -> Any:
        if not self.open:
            raise TypeError(f"{op.name}: this symbol belongs to a trace that has ended")
        if out is not None:
            raise TypeError(f"{op.name}: out= has no meaning in a trace; a Program finds its own memory")
        operands = self.operands(op, inputs)
        attributes = tuple((k, _plain(v)) for k, v in keywords.items() if v is not None)
        step = self.free_of_batch(op, Step(op.name, operands, (), attributes))
        attributes = step.attributes
        axes = [NO_BATCH if i is None else self.values[i].batch for i in operands]
        now, more = self.infer(op, step, self.samples), self.infer(op, step, self.samples + 1)
        types = [None if i is None else self.type(i, self.samples) for i in operands]
        follows = any(i is not None and self.follows(i) for i in operands)
        batch = NO_BATCH
        if any(axis != NO_BATCH for axis in axes):
            batch = op.batch_axis(types, axes, step.attributes_at(self.samples))
        mixes = batch == MIXES_SAMPLES or (batch == NO_BATCH and follows)
        outputs = []
        for (dtype, shape), (_, larger) in zip(now, more, strict=True):
            sizes: Shape = tuple(
                Size(b - a, a - (b - a) * self.samples) if b != a else a for a, b in zip(shape, larger, strict=True)
            )
            axis = NO_BATCH if mixes else batch
            outputs.append(self.add(Value(dtype, sizes, axis, "step", "")))
        self.steps.append(Step(op.name, operands, tuple(outputs), attributes, mixes))
        symbols = tuple(Symbol(self, i) for i in outputs)
        return symbols[0] if len(symbols) == 1 else symbols

    def free_of_batch(self, op: _core.Op, step: Step) -> Step:
        """The step with -1 in the place of N, in the shape it gives, so that it says the same for every batch."""
        shape = dict(step.attributes).get("shape")
        if not isinstance(shape, tuple) or sum(isinstance(size, Size) for size in shape) != 1:
            return step
        ((_, sizes),) = self.infer(op, step, self.samples)
        plain = tuple(-1 if isinstance(size, Size) else now for size, now in zip(shape, sizes, strict=True))
        return replace(step, attributes=tuple((k, plain if k == "shape" else v) for k, v in step.attributes))

    def operands(self, op: _core.Op, inputs: tuple[Any, ...]) -> tuple[int | None, ...]:
        dtypes = [np.dtype(x.dtype) for x in inputs if hasattr(x, "dtype")]
        operands: list[int | None] = []
        for operand in inputs:
            if operand is None:
                operands.append(None)
            elif type(operand) is Symbol:
                if operand._trace is not self:
                    raise TypeError(f"{op.name}: the symbols come from different traces")
                operands.append(operand._value)
            elif isinstance(operand, (bool, int, float)):
                operands.append(self.capture(np.asarray(operand, _beside(operand, dtypes))))
            else:
                operands.append(self.capture(located("trace", f"an array that {op.name} takes", operand)[0]))
        return tuple(operands)

    def type(self, value: int, samples: int) -> Type:
        v = self.values[value]
        return v.dtype, sizes_at(v.shape, samples)

    def follows(self, value: int) -> bool:
        return any(isinstance(size, Size) for size in self.values[value].shape)

    def infer(self, op: _core.Op, step: Step, samples: int) -> list[Type]:
        types = [None if i is None else self.type(i, samples) for i in step.inputs]
        try:
            return op.infer(types, step.attributes_at(samples))
        except ValueError as error:
            if samples == self.samples:
                raise
            raise ValueError(
                f"{op.name}: the step works for a batch of {self.samples} but not of {samples}: {error}; "
                "write sizes that follow the batch with x.shape[0], and captured arrays without a batch axis"
            ) from None


def own_copy(array: Array) -> Array:
    """Of the array's elements, in its place, in C order."""
    if not isinstance(array, np.ndarray):
        with array.device:  # CuPy copies to the current one
            return array.copy()
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy


def same_elements(copy: Array, array: Array) -> bool:
    """False when the function has written into an array since it was captured."""
    return copy.tobytes() == array.tobytes()


def _beside(scalar: bool | int | float, dtypes: list[np.dtype[Any]]) -> np.dtype[Any]:
    """The dtype that NumPy gives a Python scalar beside arrays."""
    floats = [d for d in dtypes if d.kind in "fV"]
    numbers = floats or [d for d in dtypes if d.kind in "iu"]
    if isinstance(scalar, bool):
        candidates = dtypes
    elif isinstance(scalar, int):
        candidates = numbers
    else:
        candidates = floats
    if not candidates:
        return np.dtype(type(scalar))
    return max(candidates, key=lambda d: d.itemsize)


def _plain(value: Any) -> Any:
    """An attribute as data: lists become tuples, dtypes their names, NumPy scalars Python's."""
    if isinstance(value, (Size, str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    if isinstance(value, (np.dtype, type)):
        return np.dtype(value).name
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is Symbol:
        raise TypeError("trace: an option cannot be a symbol; options are fixed when the network is traced")
    raise TypeError(f"trace: an option is of the wrong kind: {type(value).__name__}")


def _record(op: _core.Op, inputs: tuple[Any, ...], keywords: dict[str, Any], out: Any) -> Any:
    trace: Trace = next(x._trace for x in inputs if type(x) is Symbol)
    return trace.record(op, inputs, keywords, out)


_core.set_recorder(Symbol, _record)


def trace(f: Callable[..., Any], *examples: Any, batch_axes: Sequence[int | None] | None = None) -> Program:
    """Write down what a function of arrays computes, by running it once on symbols.

    Parameters
    ----------
    f : callable
        A layer, or any Python function made of layers and ``st`` functions. It returns an array or a tuple of arrays.
    *examples : array
        One for each argument of ``f``; only dtypes and shapes count.
    batch_axes : sequence of int or None, optional
        The batch axis of each example, None for an argument that is no batch. Axis 0 of all by default.

    Returns
    -------
    Program
        It holds for any batch size.

    Raises
    ------
    TypeError
        If ``f`` does with a symbol what only an array can do; the text names the function to use.
    ValueError
        If shapes do not fit, or fit for the example's batch size only.

    Examples
    --------
    >>> import numpy as np
    >>> import stretto as st
    >>> w = np.ones((3, 2), "f4")
    >>> print(st.trace(lambda x: st.matmul(x, w, activation="relu"), np.ones((8, 3), "f4")))
    program(x: float32 (N, 3))
      %2: float32 (N, 2) = matmul(x, %1, activation='relu', precision='highest')
      return %2
    """
    if not examples:
        raise TypeError("trace: examples are missing: pass one array for each argument of the function")
    axes = [0] * len(examples) if batch_axes is None else list(batch_axes)
    if len(axes) != len(examples):
        raise ValueError(f"trace: batch_axes has {len(axes)} entries; there are {len(examples)} examples")
    arrays = [located("trace", "an example", example)[0] for example in examples]
    samples = {a.shape[axis] for a, axis in zip(arrays, axes, strict=True) if axis is not None and a.ndim}
    if len(samples) > 1:
        raise ValueError(f"trace: the examples' batches differ: {sorted(samples)} samples; pass batch_axes= if needed")
    recorder = Trace(max(samples, default=1))
    symbols = []
    for number, (array, axis) in enumerate(zip(arrays, axes, strict=True)):
        shape: list[int | Size] = list(array.shape)
        batch = NO_BATCH
        if axis is not None and array.ndim:
            batch = axis % array.ndim
            shape[batch] = Size()
        name = "x" if len(arrays) == 1 else f"x{number}"
        symbols.append(Symbol(recorder, recorder.add(Value(array.dtype.name, tuple(shape), batch, "input", name))))
    if hasattr(f, "named_parameters"):
        recorder.name_layer(f, "")
    try:
        result = f(*symbols)
    finally:
        recorder.open = False
    results = result if isinstance(result, (tuple, list)) else (result,)
    for item in results:
        if type(item) is not Symbol:
            raise TypeError(
                f"trace: the function returned {type(item).__name__}; "
                "it must return what st functions made of its arguments, one or a tuple"
            )
    return Program(
        tuple(recorder.values),
        tuple(recorder.steps),
        tuple(s._value for s in symbols),
        tuple(s._value for s in results),
        isinstance(result, (tuple, list)),
        recorder.samples,
        recorder.constants,
        recorder.owners,
    )
