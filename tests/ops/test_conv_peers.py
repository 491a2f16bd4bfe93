"""Convolutions and their gradients against PyTorch, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import stretto as st

from tests.cases.conv import CASES, TRANSPOSED

torch = pytest.importorskip("torch")


def bound(expected: Any, x: Any, w: Any) -> float:
    """Error of two sums of the same products in float64, in any order."""
    terms = max(1, w[0].size)
    return 4 * terms * np.finfo("f8").eps * float(np.abs(x).max(initial=0) * np.abs(w).max(initial=0)) * terms


def both(options: dict[str, Any]) -> bool:
    """Whether PyTorch has these options too."""
    padding = options.get("padding", 0)
    return not (isinstance(padding, str) and padding == "same") and not (
        isinstance(padding, tuple) and padding and isinstance(padding[0], tuple)
    )


def data(case: Any) -> tuple[Any, Any, dict[str, Any]]:
    x_shape, w_shape, options = case
    rng = np.random.default_rng(1)
    return rng.standard_normal(x_shape), rng.standard_normal(w_shape), options


FORWARD = [name for name, (x, w, options) in CASES.items() if both(options) and 0 not in (*x, *w)]


@pytest.mark.parametrize("name", FORWARD)
def test_forward_and_gradients(name: str) -> None:
    x, w, options = data(CASES[name])
    rank = x.ndim - 2
    tx, tw = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
    theirs = getattr(torch.nn.functional, f"conv{rank}d")(tx, tw, **options)
    ours = getattr(st, f"conv{rank}d")(x, w, **options)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=bound(ours, x, w))
    grad = np.random.default_rng(2).standard_normal(ours.shape)
    theirs.backward(torch.tensor(grad))
    gx = getattr(st, f"conv{rank}d_input_gradient")(grad, w, x.shape, **options)
    np.testing.assert_allclose(gx, tx.grad.numpy(), rtol=0, atol=bound(gx, grad, w) * w.shape[0])
    gw = getattr(st, f"conv{rank}d_weight_gradient")(x, grad, w.shape, **options)
    np.testing.assert_allclose(gw, tw.grad.numpy(), rtol=0, atol=bound(gw, x, grad))


@pytest.mark.parametrize("name", [name for name, (_, _, options) in TRANSPOSED.items() if both(options)])
def test_transposed(name: str) -> None:
    x, w, options = data(TRANSPOSED[name])
    rank = x.ndim - 2
    theirs = getattr(torch.nn.functional, f"conv_transpose{rank}d")(torch.tensor(x), torch.tensor(w), **options)
    ours = getattr(st, f"conv_transpose{rank}d")(x, w, **options)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=bound(ours, x, w) * w.shape[0])
