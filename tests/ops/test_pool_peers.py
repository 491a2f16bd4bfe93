"""Conventions of pooling and resampling are PyTorch's: shapes exactly, values within rounding."""

import numpy as np
import pytest
import stretto as st
from hypothesis import assume, given, settings
from hypothesis import strategies as some

torch = pytest.importorskip("torch")
functional = torch.nn.functional


@given(data=some.data())
@settings(max_examples=150, deadline=None)
def test_pools_and_their_gradients(data):
    def draw(low, high):
        return data.draw(some.integers(low, high))

    axes = draw(1, 3)
    kernel, stride = [tuple(draw(1, 4) for _ in range(axes)) for _ in range(2)]
    padding = tuple(draw(0, k // 2) for k in kernel)
    dilation = tuple(draw(1, 2) for _ in range(axes))
    ceil_mode, counts = data.draw(some.booleans()), data.draw(some.booleans())
    x = np.random.default_rng(draw(0, 99)).standard_normal((2, 3, *(draw(1, 9) for _ in range(axes))))
    given_x = torch.from_numpy(x).requires_grad_()
    for kind in ("max", "avg"):
        options = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        extra = {"dilation": dilation} if kind == "max" else {"count_include_pad": counts}
        pool = getattr(st, f"{kind}_pool{axes}d")
        try:
            theirs = getattr(functional, f"{kind}_pool{axes}d")(given_x, kernel, **options, **extra)
        except RuntimeError as error:
            if "smaller than kernel size" in str(error):  # it forgets the padding, in three dimensions
                continue
            with pytest.raises(ValueError, match="pool"):
                pool(x, kernel, **options, **extra)
            continue
        mine = pool(x, kernel, **options, **extra)
        assert mine.shape == tuple(theirs.shape)
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
        assume(np.isfinite(mine).all())
        grad = np.random.default_rng(1).standard_normal(mine.shape)
        (expected,) = torch.autograd.grad(theirs, given_x, torch.from_numpy(grad))
        dx = getattr(st, f"{kind}_pool{axes}d_gradient")(grad, x, kernel, **options, **extra)
        np.testing.assert_allclose(dx, expected.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1, 3, (4, 7), (20, 5)])
def test_adaptive(size):
    x = np.random.default_rng(0).standard_normal((2, 3, 11, 14))
    given_x = torch.from_numpy(x).requires_grad_()
    theirs = functional.adaptive_avg_pool2d(given_x, size)
    np.testing.assert_allclose(st.adaptive_avg_pool2d(x, size), theirs.detach().numpy(), atol=1e-12)
    grad = np.random.default_rng(1).standard_normal(theirs.shape)
    (expected,) = torch.autograd.grad(theirs, given_x, torch.from_numpy(grad))
    np.testing.assert_allclose(st.adaptive_avg_pool2d_gradient(grad, x, size), expected.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"size": (7, 9)},
        {"scale_factor": 2},
        {"scale_factor": (1.5, 3.0)},
        {"size": (7, 90), "mode": "bilinear"},
        {"size": (4, 3), "mode": "bilinear"},
        {"scale_factor": (1.7, 0.6), "mode": "bilinear"},
        {"size": (13, 20), "mode": "bilinear", "align_corners": True},
        {"size": (1, 1), "mode": "bilinear", "align_corners": True},
    ],
)
def test_upsample(options):
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 8))
    given_x = torch.from_numpy(x).requires_grad_()
    theirs = functional.interpolate(given_x, **options)
    mine = st.upsample2d(x, **options)
    np.testing.assert_allclose(mine, theirs.detach().numpy(), atol=1e-12)
    grad = np.random.default_rng(1).standard_normal(theirs.shape)
    (expected,) = torch.autograd.grad(theirs, given_x, torch.from_numpy(grad))
    np.testing.assert_allclose(st.upsample2d_gradient(grad, x, **options), expected.numpy(), atol=1e-12)
