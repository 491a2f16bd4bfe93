"""Fused epilogues: fewer steps, the bits of the steps one by one."""

import pickle
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto.rewrite import fuse_epilogues
from stretto.rewrite.epilogues import ACTIVATIONS

RNG = np.random.default_rng(7)


def normal(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


def odd(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """Signed zeros, infinities, NaN, tiny and huge numbers among the others."""
    x = normal(*shape)
    strange = np.float32([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-44, -3e38, 3e38])
    where = RNG.random(shape) < 0.1
    x[where] = RNG.choice(strange, where.sum())
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """NaN equals NaN, whatever its payload."""
    nan = np.isnan(a)
    return a.dtype == b.dtype and bool((nan == np.isnan(b)).all()) and a[~nan].tobytes() == b[~nan].tobytes()


def ops_of(program: st.Program) -> list[str]:
    return [step.op for step in program.steps]


def fused(f: Any, *x: np.ndarray) -> list[str]:
    """The ops of the fused program, which must give what calling f gives."""
    program = fuse_epilogues(st.trace(f, *x))
    with st.plan(program, x, schedule="serial", workers=1) as plan:
        assert plan.program == program
        assert same_bits(plan(*x), f(*x))
    return ops_of(program)


def norm(channels: int, dtype: Any = np.float32) -> st.BatchNorm:
    layer = st.BatchNorm(channels, dtype=dtype)
    layer.gamma, layer.beta, layer.running_mean = (normal(channels, dtype=dtype) for _ in range(3))
    layer.running_var = np.abs(normal(channels, dtype=dtype))
    return layer


def products(layout: str, dtype: Any = np.float32) -> dict[str, Any]:
    w = {n: normal(6, 4, *(3,) * n, dtype=dtype) for n in (1, 2, 3)}
    up = normal(4, 6, 2, 2, dtype=dtype)
    options = {"layout": layout, "padding": 1}
    return {
        "matmul": lambda x: st.matmul(x, w[1][0]),
        "conv1d": lambda x: st.conv1d(x, w[1], **options),
        "conv2d": lambda x: st.conv2d(x, w[2], bias=w[1][:, 0, 0], **options),
        "conv3d": lambda x: st.conv3d(x, w[3], **options),
        "conv_transpose2d": lambda x: st.conv_transpose2d(x, up, layout=layout, stride=2),
    }


def example(product: str, layout: str, dtype: Any = np.float32) -> np.ndarray:
    if product == "matmul":
        return odd(5, 4, dtype=dtype)
    space = (7, 5, 3)[: int(product[-2])]
    return odd(3, 4, *space, dtype=dtype) if layout == "NCHW" else odd(3, *space, 4, dtype=dtype)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("product", products("NCHW"))
def test_all_that_may_follow_a_product_is_fused(product: str, layout: str) -> None:
    make, x = products(layout)[product], example(product, layout)
    z = make(x)
    channels = 3 if product == "matmul" else 6
    layer = norm(channels)
    parameters = (layer.gamma, layer.beta, layer.running_mean, layer.running_var)
    term = odd(1, *z.shape[1:])

    def f(x: Any) -> Any:
        y = st.batch_norm(make(x), *parameters, layout=layout)
        return st.silu(st.add(term, y))

    assert fused(f, x) == [product]


@given(
    some.sampled_from(sorted(products("NCHW"))),
    some.sampled_from(["NCHW", "NHWC"]),
    some.lists(some.sampled_from(["add", "flip", "vector", "norm", "self", *ACTIVATIONS]), max_size=6),
    some.sampled_from([np.float32, np.float64, np.float16, ml_dtypes.bfloat16]),
)
@settings(deadline=None, max_examples=150)
def test_any_chain_has_the_bits_of_its_steps(product: str, layout: str, chain: list[str], dtype: Any) -> None:
    make, x = products(layout, dtype)[product], example(product, layout, dtype)
    z = make(x)
    channels = z.shape[1 if layout == "NCHW" else -1]
    parameters = [
        normal(channels, dtype=dtype),
        None,
        normal(channels, dtype=dtype),
        np.abs(normal(channels, dtype=dtype)),
    ]
    vector, term = odd(z.shape[-1], dtype=dtype), odd(*z.shape[1:], dtype=dtype)
    links = {
        "add": lambda y: st.add(y, term),
        "flip": lambda y: st.add(term, y),
        "vector": lambda y: st.add(y, vector),
        "self": lambda y: st.add(y, y),
        "norm": lambda y: st.batch_norm(y, *parameters, layout=layout),
        "gelu_tanh": lambda y: st.gelu(y, "tanh"),
    }

    def f(x: Any) -> Any:
        y = make(x)
        for link in chain:
            y = links.get(link, getattr(st, link, None))(y)
        return y

    fused(f, x)


def test_a_residual_block_is_two_steps() -> None:
    first, second = st.Conv2d(4, 4, 3, padding=1, rng=0), st.Conv2d(4, 4, 3, padding=1, rng=1)
    norms = norm(4), norm(4)

    def block(x: Any) -> Any:
        y = st.relu(norms[0](first(x)))
        return st.relu(st.add(norms[1](second(y)), x))

    assert fused(block, odd(2, 4, 6, 6)) == ["conv2d", "conv2d"]


def test_of_two_products_that_are_added_the_later_takes_the_other() -> None:
    a, b = st.Linear(4, 5, rng=0), st.Linear(4, 5, rng=1)
    program = fuse_epilogues(st.trace(lambda x: st.relu(st.add(b(x), a(x))), normal(3, 4)))
    assert ops_of(program) == ["matmul", "matmul"]
    assert program.steps[1].inputs[5] == program.steps[0].outputs[0]
    assert fused(lambda x: st.add(b(x), a(x)), odd(3, 4)) == ["matmul", "matmul"]


W = normal(4, 4)
NOT_FUSED = {
    "what another step reads": lambda x: st.mul(st.relu(y := st.matmul(x, W)), y),
    "an activation after an activation": lambda x: st.tanh(st.matmul(x, W, activation="relu")),
    "an addition after an activation": lambda x: st.add(st.matmul(x, W, activation="relu"), x),
    "a second addition": lambda x: st.add(st.matmul(x, W, residual=x), x),
    "a product with itself": lambda x: st.add(y := st.matmul(x, W), y),
    "what makes the result wider": lambda x: st.add(st.matmul(x, W), np.ones((2, 1, 1), "f4")),
    "a batch_norm of the wrong axis": lambda x: st.batch_norm(
        st.conv1d(st.reshape(x, (-1, 1, 4)), W[:, None, :1], layout="NCHW"), None, None, W[0], W[1] ** 2, layout="NHWC"
    ),
    "a batch_norm of what the network computes": lambda x: st.batch_norm(
        st.matmul(x, W), st.reshape(st.global_avg_pool(st.reshape(x, (1, 4, -1))), (4,)), None, W[0], W[1] ** 2
    ),
    "a batch_norm after a residual": lambda x: st.batch_norm(st.matmul(x, W, residual=x), None, None, W[0], W[1] ** 2),
}


@pytest.mark.parametrize("case", NOT_FUSED)
def test_not_fused(case: str) -> None:
    f, x = NOT_FUSED[case], odd(4, 4)
    program = st.trace(f, x)
    assert fuse_epilogues(program) is program
    assert fused(f, x) == ops_of(program)


def test_what_the_user_gets_is_not_fused_away() -> None:
    program = st.trace(lambda x: (y := st.matmul(x, W), st.relu(y)), normal(3, 4))
    assert fuse_epilogues(program) is program


def test_of_16_bit_floats_only_what_commutes_with_rounding_is_fused() -> None:
    w, x = W.astype("f2"), odd(3, 4, dtype=np.float16)
    assert fused(lambda x: st.relu(st.matmul(x, w)), x) == ["matmul"]
    assert fused(lambda x: st.gelu(st.matmul(x, w)), x) == ["matmul", "gelu"]
    assert fused(lambda x: st.add(st.matmul(x, w), w[0]), x) == ["matmul", "add"]


def test_a_division_by_zero_in_batch_norm_keeps_its_bits() -> None:
    mean, zero = np.float32([0, 1, -1, np.inf]), np.zeros(4, "f4")
    assert fused(lambda x: st.batch_norm(st.matmul(x, W), None, zero, mean, zero, eps=0.0), odd(9, 4)) == ["matmul"]


def test_new_parameters_of_batch_norm_are_taken() -> None:
    net = st.Sequential(st.Linear(4, 4, rng=0), norm(4), st.ReLU())
    x, ordinary = odd(5, 4), normal(5, 4)  # strange numbers alone may hide a mean
    with st.plan(net, x, schedule="serial", workers=1) as plan:
        assert ops_of(plan.program) == ["matmul"]
        assert {"1.scale", "1.shift"} <= set(plan.program.parameters)
        before = plan(ordinary)
        net[1].running_mean = normal(4)
        assert same_bits(plan(x), net(x))
        assert same_bits(plan(ordinary), net(ordinary))
        assert not same_bits(plan(ordinary), before)


def test_a_pickled_program_carries_scale_and_shift() -> None:
    net = st.Sequential(st.Linear(4, 4, rng=0), norm(4))
    x = odd(5, 4)
    program = pickle.loads(pickle.dumps(fuse_epilogues(st.trace(net, x))))
    assert same_bits(st.plan(program, x, schedule="serial")(x), net(x))


def test_a_program_is_taken_as_it_is() -> None:
    net, x = st.Sequential(st.Linear(4, 4, rng=0), st.ReLU()), odd(6, 4)
    program = st.trace(net, x)
    with st.plan(program, x) as plan:
        assert plan.program == program
    with st.plan(net, x) as plan:
        assert plan.program == fuse_epilogues(program)


def test_a_plan_for_the_steps_of_the_trace_runs_these() -> None:
    net = st.Sequential(st.Linear(4, 4, rng=0), st.ReLU(), st.Linear(4, 4, rng=1))
    x = odd(6, 4)
    stages = (st.schedule.plan.Stage("a", (0,)), st.schedule.plan.Stage("b", (1, 2)))
    choice = st.Choice("pipeline", workers=2, micro_batch=3, stages=stages)
    with st.plan(net, x, schedule=choice) as plan:
        assert ops_of(plan.program) == ["matmul", "relu", "matmul"]
        assert same_bits(plan(x), net(x))
    with st.plan(net, x, schedule="pipeline", workers=2) as plan:
        assert ops_of(plan.program) == ["matmul", "matmul"]
        again = st.plan(net, x, schedule=plan.plan(6))
        assert again.program == plan.program
        assert same_bits(again(x), net(x))
