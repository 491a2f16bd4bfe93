"""Inputs: a call's arrays, checked against the program, with the number of samples and the place they give."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from stretto import _core
from stretto.program import NO_BATCH, Array, Program, Size, located, sizes_at

__all__ = ["bind_host_inputs", "bind_inputs", "intake_of"]


@functools.cache
def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(name)


def intake_of(program: Program) -> _core.Intake:
    """What recognizes the program's usual inputs at a glance; :func:`bind_inputs` says of others what is wrong."""
    forms = []
    for i in program.inputs:
        v = program.values[i]
        sizes = [(s.factor, s.offset) if isinstance(s, Size) else (0, s) for s in v.shape]
        forms.append((v.dtype, sizes, v.batch))
    return _core.Intake(forms, program.example_samples)


def bind_inputs(program: Program, arrays: Sequence[Any]) -> tuple[list[Array], int, int | None]:
    """The call's arrays, checked against the program, the number of samples, and the arrays' GPU or None."""
    if len(arrays) != len(program.inputs):
        raise TypeError(f"plan: {len(arrays)} arrays given; the network takes {len(program.inputs)}")
    found = [located("plan", "an input", a) for a in arrays]
    inputs = [array for array, _ in found]
    gpus = [gpu for _, gpu in found]
    if len(set(gpus)) > 1:
        _refuse_several_places(program, gpus)
    samples: int | None = None
    for array, i in zip(inputs, program.inputs, strict=True):
        v = program.values[i]
        if array.dtype != _dtype(v.dtype) and array.dtype.newbyteorder("=") != _dtype(v.dtype):
            raise TypeError(
                f"plan: {v.name} has the wrong dtype: it is {array.dtype.name}; the network takes {v.dtype}"
            )
        if array.ndim == len(v.shape) and v.batch != NO_BATCH and samples is None:
            samples = array.shape[v.batch]
    samples = program.example_samples if samples is None else samples
    for array, i in zip(inputs, program.inputs, strict=True):
        v = program.values[i]
        if array.shape != sizes_at(v.shape, samples):
            raise ValueError(
                f"plan: {v.name} has the wrong shape: it is {array.shape}; the network takes {v}"
                + (f" with N = {samples}" if any(isinstance(s, Size) for s in v.shape) else "")
            )
    return inputs, samples, gpus[0]


def _refuse_several_places(program: Program, gpus: Sequence[int | None]) -> NoReturn:
    other = next(k for k, gpu in enumerate(gpus) if gpu != gpus[0])
    first, second = (
        f"{program.label(program.inputs[k])} is {'in host memory' if gpu is None else f'on GPU {gpu}'}"
        for k, gpu in ((0, gpus[0]), (other, gpus[other]))
    )
    if None in gpus:
        raise TypeError(
            f"plan: inputs are not in one place: {first}, {second}; "
            "move one with cupy.asarray, or the other with cupy.asnumpy"
        )
    raise ValueError(f"plan: inputs are on different GPUs: {first}, {second}; copy one of them")


def bind_host_inputs(what: str, program: Program, arrays: Sequence[Any]) -> tuple[list[Array], int]:
    """The same for what only the CPU does."""
    inputs, samples, gpu = bind_inputs(program, arrays)
    if gpu is not None:
        raise NotImplementedError(
            f"{what}: the inputs are on GPU {gpu}, where {what} does nothing; call the plan itself, "
            "or copy them to the host with cupy.asnumpy"
        )
    return inputs, samples
