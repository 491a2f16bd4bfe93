"""Gradients of softmax and the norms: against differences, across instruction sets, threads and layouts; errors."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.kernels.test_elementwise import same_bits

RNG = np.random.default_rng(1)
X = RNG.standard_normal((19, 6, 3, 4))
C = RNG.standard_normal((3, 6))
VAR = np.abs(C[2]) + 0.1
# Forward function of (x, gamma, beta), gradient op, its further inputs, options
NORMS: dict[str, Any] = {
    "layer_norm": ((4,), lambda x, g, b: st.layer_norm(x, g, b), (), {}),
    "layer_norm_dims": ((3, 4), lambda x, g, b: st.layer_norm(x, g, b, dims=2), (), {"dims": 2}),
    "rms_norm": ((4,), lambda x, g, b: st.rms_norm(x, g), (), {}),
    "batch_norm": ((6,), lambda x, g, b: st.batch_norm(x, g, b, C[1], VAR), (C[1], VAR), {}),
    "group_norm": ((6,), lambda x, g, b: st.group_norm(x, 2, g, b), (), {"groups": 2}),
}


def difference(f: Any, x: Any, grad: Any, direction: Any) -> float:
    h = 1e-6
    return float(np.sum(grad * (f(x + h * direction) - f(x - h * direction)))) / (2 * h)


@pytest.mark.parametrize("case", NORMS)
def test_norms_match_differences(case: str) -> None:
    shape, forward, more, options = NORMS[case]
    rng = np.random.default_rng(2)
    gamma, beta, grad = rng.standard_normal(shape), rng.standard_normal(shape), rng.standard_normal(X.shape)
    op = _core.op(case.removesuffix("_dims") + "_gradient")
    gradients = op((grad, X, gamma, *more), options, None, 1, None)
    functions = [
        (X, lambda v: forward(v, gamma, beta)),
        (gamma, lambda v: forward(X, v, beta)),
        (beta, lambda v: forward(X, gamma, v)),
    ]
    for result, (at, f) in zip(gradients, functions, strict=False):
        assert result.shape == at.shape
        for _ in range(3):
            direction = rng.standard_normal(at.shape)
            expected = difference(f, at, grad, direction)
            assert np.sum(result * direction) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    without = op((grad, X, None, *more), options, None, 1, None)
    assert same_bits(without[0], op((grad, X, np.ones(shape), *more), options, None, 1, None)[0])


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [-1, 1, (0, 2)])
def test_softmax_matches_differences(name: str, axis: Any) -> None:
    rng = np.random.default_rng(3)
    grad = rng.standard_normal(X.shape)
    forward = getattr(st, name)
    result = getattr(st, name + "_gradient")(grad, forward(X, axis), axis)
    direction = rng.standard_normal(X.shape)
    expected = difference(lambda v: forward(v, axis), X, grad, direction)
    assert np.sum(result * direction) == pytest.approx(expected, rel=1e-6)


def all_gradients(dtype: str, threads: int = 1, fortran: bool = False) -> list[Any]:
    x = X.astype(dtype)
    grad = x[::-1].copy()
    if fortran:
        x, grad = np.asfortranarray(x), np.asfortranarray(grad)
    c, var = C.astype(dtype), VAR.astype(dtype)
    last = [np.moveaxis(v, 1, -1) for v in (grad, x)]
    results: list[Any] = [
        st.softmax_gradient(grad, x, 1, threads=threads),
        st.log_softmax_gradient(grad, x, threads=threads),
        *st.layer_norm_gradient(grad, x, c[0, :4], threads=threads),
        *st.rms_norm_gradient(grad, x, threads=threads),
        *st.batch_norm_gradient(grad, x, c[0], c[1], var, threads=threads),
        *st.group_norm_gradient(grad, x, 3, c[0], threads=threads),
    ]
    other = st.group_norm_gradient(*last, 3, c[0], layout="NHWC", threads=threads)
    assert same_bits(np.moveaxis(other[0], -1, 1), results[-3])
    assert same_bits(other[1], results[-2])
    return results


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_threads_and_layout_do_not_change_bits(dtype: str) -> None:
    expected = all_gradients(dtype)
    for other in (all_gradients(dtype, 3), all_gradients(dtype, fortran=True)):
        assert all(same_bits(a, b) for a, b in zip(expected, other, strict=True))


def test_instruction_sets_agree() -> None:
    code = (
        "import hashlib; from tests.ops.test_normalize_gradient import all_gradients\n"
        "print(hashlib.sha256(b''.join(a.tobytes() for t in ('f4', 'f8') for a in all_gradients(t))).hexdigest())"
    )
    sets = {arch for _, arch, present in _core.op("add").variants if present}
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "STRETTO_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for isa in sorted(sets)
    }
    assert len(hashes) == 1


def test_parameters_are_summed_by_grains() -> None:
    x = X[:, 0, 0].astype("f4")
    grad = x[::-1].copy()
    parts = [st.layer_norm_gradient(grad[i : i + 8], x[i : i + 8])[2] for i in (0, 8, 16)]
    assert same_bits(st.layer_norm_gradient(grad, x)[2], (parts[0] + parts[1]) + parts[2])


def test_errors() -> None:
    x = np.ones((2, 6), "f4")
    with pytest.raises(ValueError, match="softmax_gradient: shapes differ"):
        st.softmax_gradient(x, x[:1])
    with pytest.raises(ValueError, match="layer_norm_gradient: grain is out of range"):
        st.layer_norm_gradient(x, x, grain=0)
    with pytest.raises(ValueError, match="group_norm_gradient: groups do not divide"):
        st.group_norm_gradient(x, x, 4)
    with pytest.raises(TypeError, match="rms_norm_gradient: no kernel for dtype int64"):
        st.rms_norm_gradient(x.astype(int), x.astype(int))
    with pytest.raises(ValueError, match="batch_norm_gradient: mean has the wrong shape"):
        st.batch_norm_gradient(x, x, None, np.ones(2), np.ones(6))
