"""Conventions of activations, softmax and norms are PyTorch's: values and gradients within rounding, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import stretto as st

torch = pytest.importorskip("torch")
functional = torch.nn.functional

ACTIVATIONS = {
    "relu": (st.relu, functional.relu),
    "relu6": (st.relu6, functional.relu6),
    "leaky_relu": (st.leaky_relu, functional.leaky_relu),
    ("leaky_relu", 0.2): (lambda x: st.leaky_relu(x, 0.2), lambda x: functional.leaky_relu(x, 0.2)),
    "elu": (st.elu, functional.elu),
    ("elu", 0.7): (lambda x: st.elu(x, 0.7), lambda x: functional.elu(x, 0.7)),
    "sigmoid": (st.sigmoid, torch.sigmoid),
    "hard_sigmoid": (st.hard_sigmoid, functional.hardsigmoid),
    "hard_swish": (st.hard_swish, functional.hardswish),
    "silu": (st.silu, functional.silu),
    "softplus": (st.softplus, functional.softplus),
    "gelu": (st.gelu, functional.gelu),
    "gelu_tanh": (lambda x: st.gelu(x, "tanh"), lambda x: functional.gelu(x, approximate="tanh")),
    "tanh": (st.tanh, torch.tanh),
}


def draw(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def close(mine: Any, theirs: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=tolerance, atol=1e-11)


def compare(mine: Any, theirs: Any, grad: Any, arguments: list[Any], gradients: tuple[Any, ...]) -> None:
    """The result and its gradients by the arguments."""
    close(mine, theirs)
    expected = torch.autograd.grad(theirs, arguments, torch.from_numpy(grad))
    for result, wanted in zip(gradients, expected, strict=True):
        close(result, wanted)


@pytest.mark.parametrize("name", ACTIVATIONS, ids=str)
def test_activations(name: Any) -> None:
    ours, theirs = ACTIVATIONS[name]
    # above 20 torch's softplus is the identity, to within 2.1e-9
    x = np.concatenate([draw(1, 300) * 4, np.linspace(-19.9, 19.9, 200), [0.0, 3.0, -3.0, 6.0]])
    given_x, grad = torch.from_numpy(x).requires_grad_(), draw(2, len(x))
    y = theirs(given_x)
    close(ours(x), y)
    (expected,) = torch.autograd.grad(y, given_x, torch.from_numpy(grad))
    # torch multiplies by 1/6 as a float32 in the gradient of hardsigmoid
    close(st.activation_gradient(grad, x, activation=name), expected, 1e-7 if name == "hard_sigmoid" else 1e-10)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(axis: int) -> None:
    x, grad = draw(1, 5, 6, 7) * 3, draw(2, 5, 6, 7)
    for ours, theirs, gradient in (
        (st.softmax, functional.softmax, st.softmax_gradient),
        (st.log_softmax, functional.log_softmax, st.log_softmax_gradient),
    ):
        given_x = torch.from_numpy(x).requires_grad_()
        y = ours(x, axis)
        compare(y, theirs(given_x, axis), grad, [given_x], (gradient(grad, y, axis),))


def test_norms_over_the_last_axes() -> None:
    x, gamma, beta, grad = draw(1, 9, 4, 5), draw(2, 4, 5), draw(3, 4, 5), draw(4, 9, 4, 5)
    on = [torch.from_numpy(v).requires_grad_() for v in (x, gamma, beta)]
    theirs = functional.layer_norm(on[0], (4, 5), on[1], on[2], 1e-3)
    gradients = st.layer_norm_gradient(grad, x, gamma, dims=2, eps=1e-3)
    compare(st.layer_norm(x, gamma, beta, dims=2, eps=1e-3), theirs, grad, on, gradients)
    theirs = functional.rms_norm(on[0], (4, 5), on[1], 1e-3)
    gradients = st.rms_norm_gradient(grad, x, gamma, dims=2, eps=1e-3)
    compare(st.rms_norm(x, gamma, dims=2, eps=1e-3), theirs, grad, on[:2], gradients)


def test_norms_of_channels() -> None:
    x, gamma, beta, grad = draw(1, 9, 6, 4, 5), draw(2, 6), draw(3, 6), draw(4, 9, 6, 4, 5)
    mean, var = draw(5, 6), draw(6, 6) ** 2
    on = [torch.from_numpy(v).requires_grad_() for v in (x, gamma, beta)]
    theirs = functional.group_norm(on[0], 3, on[1], on[2], 1e-3)
    gradients = st.group_norm_gradient(grad, x, 3, gamma, eps=1e-3)
    compare(st.group_norm(x, 3, gamma, beta, eps=1e-3), theirs, grad, on, gradients)
    theirs = functional.batch_norm(on[0], torch.from_numpy(mean), torch.from_numpy(var), on[1], on[2], eps=1e-3)
    gradients = st.batch_norm_gradient(grad, x, gamma, mean, var, eps=1e-3)
    compare(st.batch_norm(x, gamma, beta, mean, var, eps=1e-3), theirs, grad, on, gradients)
