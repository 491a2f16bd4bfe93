"""Stretto itself: with prepared weights and ``out=``, or as the plain call."""

from __future__ import annotations

from typing import Any

import numpy as np

import stretto as st
from stretto import _core
from stretto.bench.cases import Case
from stretto.bench.peers import Prepared, UnsupportedError

Array = np.ndarray[Any, np.dtype[Any]]


def versions(threads: int) -> dict[str, str]:
    """Name the version and the instruction set that it chose."""
    return {"stretto": st.__version__, "isa": str(_core.machine()["isa_chosen"])}


def prepare(peer: str, case: Case, arrays: list[Array], threads: int) -> Prepared:
    """Prepack the weight of a convolution, as the peers with constant weights do."""
    function = getattr(st, case.op, None)
    if function is None:
        raise UnsupportedError(f"stretto has no {case.op} yet")
    operands, options = _call_of(case, arrays)
    if case.group == "overhead":
        a, b = operands
        return Prepared(lambda: function(a, b), lambda: function(a, b))
    if peer == "stretto-plain":
        return Prepared(
            lambda: function(*operands, **options, threads=threads),
            lambda: np.asarray(function(*operands, **options, threads=threads)),
        )
    if case.group in ("conv", "conv_transpose"):
        operands[1] = st.prepare(arrays[1], op=case.op, **options)
    out = np.asarray(function(*operands, **options, threads=threads))
    return Prepared(lambda: function(*operands, **options, threads=threads, out=out), lambda: out)


def _call_of(case: Case, arrays: list[Array]) -> tuple[list[Any], dict[str, Any]]:
    """Operands and options in the order of our functions."""
    if case.op == "batch_norm":
        x, mean, variance, gamma, beta = arrays
        return [x, gamma, beta, mean, variance], case.options
    if case.op == "group_norm":
        x, gamma, beta = arrays
        others = {key: value for key, value in case.options.items() if key != "groups"}
        return [x, case.options["groups"], gamma, beta], others
    return list(arrays), case.options
