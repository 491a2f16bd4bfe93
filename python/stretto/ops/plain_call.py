"""What lets a call of arrays alone skip Python."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

from stretto import _core

Function = TypeVar("Function", bound=Callable[..., Any])


def plain_call(op: _core.Op) -> Callable[[Function], Function]:
    """A decorator: calls with just the positional arguments, ``out`` and ``threads`` go to ``op`` with its defaults.

    Every other call, and one with a symbol of a trace, goes to the function itself.
    """

    def wrap(function: Function) -> Function:
        assert isinstance(function, FunctionType)
        call = _core.PlainCall(op, function, function.__code__.co_argcount)
        return cast(Function, functools.update_wrapper(call, function))

    return wrap
