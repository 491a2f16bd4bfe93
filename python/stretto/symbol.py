"""Symbols: what stands for arrays while a network is traced, and says what to write where only an array would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from stretto import ops

if TYPE_CHECKING:
    from stretto.program import Shape
    from stretto.tracing import Trace

__all__ = ["Symbol"]

_INSTEAD = {
    "__matmul__": "st.matmul(a, b)",
    "__rmatmul__": "st.matmul(a, b)",
    "__pow__": "st.pow(a, b)",
    "__rpow__": "st.pow(a, b)",
    "__lt__": "st.maximum, st.minimum or st.where",
    "__le__": "st.maximum, st.minimum or st.where",
    "__gt__": "st.maximum, st.minimum or st.where",
    "__ge__": "st.maximum, st.minimum or st.where",
    "__eq__": "st.maximum, st.minimum or st.where",
    "__ne__": "st.maximum, st.minimum or st.where",
    "__getitem__": "st.split or st.take",
    "__setitem__": "st.where or st.concat",
    "__bool__": "st.where",
    "__len__": "x.shape[0] inside st.reshape",
    "__int__": "the st functions on the whole array",
    "__float__": "the st functions on the whole array",
    "__index__": "the st functions on the whole array",
    "__iter__": "st.split",
    "__array__": "the st functions",
    "__abs__": "st.abs(x)",
    "__floordiv__": "st.div(a, b)",
    "__mod__": "st.sub and st.div",
}


class Symbol:
    """Stands for an array while a network is traced: it has a dtype and a shape, and no elements."""

    __slots__ = ("_trace", "_value")

    def __init__(self, trace: Trace, value: int) -> None:
        self._trace = trace
        self._value = value

    @property
    def shape(self) -> Shape:
        """The shape; the batch size in it is a symbol too."""
        return self._trace.values[self._value].shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return np.dtype(self._trace.values[self._value].dtype)

    def __repr__(self) -> str:
        value = self._trace.values[self._value]
        return f"Symbol({value.name or f'%{self._value}'}: {value})"

    def __add__(self, other: Any) -> Any:
        return _call("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _call("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _call("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _call("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return _call("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _call("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _call("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _call("div", other, self)

    def __neg__(self) -> Any:
        return _call("neg", self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        arithmetic = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div"}
        if "out" in options:  # also array += symbol
            raise TypeError("trace: a symbol cannot be written into an array, as it has no elements yet; use a + b")
        # An array on the left of + - * / comes here.
        if not options and method == "__call__" and ufunc.__name__ in arithmetic and type(inputs[0]) is not Symbol:
            return _call(arithmetic[ufunc.__name__], *inputs)
        raise TypeError(_refusal(f"np.{ufunc.__name__}", _st_name(ufunc.__name__)))

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        raise TypeError(_refusal(f"np.{function.__name__}", _st_name(function.__name__)))

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise TypeError(_refusal(f"the method or attribute {name!r}", _st_name(name)))

    __hash__ = None  # type: ignore[assignment]


def _refusal(what: str, instead: str) -> str:
    return f"trace: {what} does not work on a symbol, which has no elements yet; use {instead}"


def _st_name(name: str) -> str:
    name = {"concatenate": "concat", "amax": "max", "amin": "min", "power": "pow", "divide": "div"}.get(name, name)
    return f"st.{name}" if name in ops.__all__ else "the st functions"


def _refuse_as(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise TypeError(_refusal(name, instead))

    refuse.__name__ = name
    return refuse


for _name, _instead in _INSTEAD.items():
    setattr(Symbol, _name, _refuse_as(_name, _instead))


def _call(name: str, *operands: Any) -> Any:
    return getattr(ops, name)(*operands)
