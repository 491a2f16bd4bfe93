"""Channels last: other places, the bits of the steps as they were written."""

from typing import Any

import numpy as np
import pytest
import stretto as st
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core
from stretto.rewrite import channels_last, fuse_epilogues, steps_of_maps
from stretto.rewrite.layouts import OF_ELEMENTS, WITH_LAYOUT

from tests.execute.networks import BLOCKS, network

RNG = np.random.default_rng(11)
SPACE = (7, 6, 5)


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype("f4")


def run(program: st.Program, *x: Any, **options: Any) -> Any:
    with st.plan(program, x, calibrate=0, **(options or {"schedule": "serial", "workers": 1})) as plan:
        assert plan.program == program
        return plan(*x)


def layouts_of(program: st.Program) -> list[str]:
    return [str(dict(step.attributes).get("layout", "")) for step in program.steps if step.op != "transpose"]


W = {n: normal(6, 4, *(3,) * n) for n in (1, 2, 3)}
VECTOR = normal(4)
FOUR = tuple(np.abs(normal(4)) for _ in range(4))
OPS: dict[str, Any] = {
    **{f"conv{n}d": lambda x, n=n: getattr(st, f"conv{n}d")(x, W[n], padding=1) for n in W},
    **{
        f"conv_transpose{n}d": lambda x, n=n: getattr(st, f"conv_transpose{n}d")(
            x, W[n][:4], stride=2, activation="relu"
        )
        for n in W
    },
    **{f"max_pool{n}d": lambda x, n=n: getattr(st, f"max_pool{n}d")(x, 2) for n in W},
    **{f"avg_pool{n}d": lambda x, n=n: getattr(st, f"avg_pool{n}d")(x, 3, padding=1) for n in W},
    "adaptive_avg_pool2d": lambda x: st.adaptive_avg_pool2d(x, (3, 2)),
    "global_max_pool": lambda x: st.global_max_pool(x, keepdims=True),
    "global_avg_pool": lambda x: st.global_avg_pool(x, keepdims=False),
    "upsample2d": lambda x: st.upsample2d(x, scale_factor=2, mode="bilinear"),
    "batch_norm": lambda x: st.batch_norm(x, *FOUR),
    "group_norm": lambda x: st.group_norm(x, 2, VECTOR, VECTOR),
}


def test_every_op_with_a_layout_is_here() -> None:
    assert OPS.keys() == WITH_LAYOUT


@pytest.mark.parametrize("op", OPS)
def test_an_op_gives_the_same_bits_either_way(op: str) -> None:
    n = int(op[-2]) if op[-2:] in ("1d", "2d", "3d") else 2
    x = normal(3, 4, *SPACE[:n])
    program = st.trace(OPS[op], x)
    last = channels_last(program)
    assert layouts_of(last) == ["NHWC"]
    assert run(last, x).tobytes() == run(program, x).tobytes() == OPS[op](x).tobytes()
    assert str(last.values[last.outputs[0]]) == str(program.values[program.outputs[0]])


def elements(x: Any) -> Any:
    """Element by element, beside a scalar, and over channels and maps of one element."""
    y = st.mul(st.conv2d(x, W[2]), st.sigmoid(st.global_avg_pool(st.conv2d(x, W[2][:1]), keepdims=True)))
    y = st.where(np.bool_(True), st.add(y, normal(6, 1, 1)[None] * 0 + 1), 2.0 * y)
    a, b = st.split(st.softmax(y, -3), [2], axis=1)
    return st.relu(st.concat([b, a], axis=-3))


def test_what_follows_maps_element_by_element_goes_with_them() -> None:
    x = normal(3, 4, 7, 6)
    program = st.trace(elements, x)
    last = channels_last(program)
    assert steps_of_maps(program) == frozenset(range(len(program.steps)))
    assert run(last, x).tobytes() == run(program, x).tobytes()
    assert [dict(step.attributes)["axis"] for step in last.steps if step.op in ("softmax", "split", "concat")] == [
        3
    ] * 3
    # x, a constant with one element a channel, and the result; nothing between.
    assert sum(step.op == "transpose" for step in last.steps) == 3


def test_a_residual_goes_with_its_convolution() -> None:
    x = normal(2, 4, 6, 6)
    program = fuse_epilogues(st.trace(lambda x: st.relu(st.conv2d(x, W[2][:4], padding=1) + x), x))
    assert [step.op for step in program.steps] == ["conv2d"]
    last = channels_last(program)
    assert last.steps[-2].inputs[5] == last.steps[-2].inputs[0]
    assert run(last, x).tobytes() == run(program, x).tobytes()


@pytest.mark.parametrize("shape", [(4, 1, 1), (6,), (6, 6), (1, 4, 1, 1), (1, 4, 6, 6), ()])
def test_a_residual_of_fewer_axes_keeps_its_place(shape: tuple[int, ...]) -> None:
    x, b, w = normal(2, 4, 6, 6), normal(*shape), normal(4, 4, 3, 3)
    for f in (
        lambda x: st.conv2d(x, w, padding=1) + b,
        lambda x: st.conv2d(x, w, padding=1, residual=b, activation="relu"),
        lambda x: st.conv_transpose2d(x, w, padding=1) * 2 + b,
    ):
        program = fuse_epilogues(st.trace(f, x))
        assert run(channels_last(program), x).tobytes() == f(x).tobytes()


@pytest.mark.parametrize("axis", [1, -1, 2, (1,), (2, 3), (1, 3), (1, 2, 3), (-1, 1)])
def test_sums_along_axes_keep_their_order(axis: Any) -> None:
    x = normal(2, 4, 5, 5)
    for f in (lambda x: st.softmax(st.conv2d(x, W[2]), axis), lambda x: st.log_softmax(st.conv2d(x, W[2]), axis)):
        assert run(channels_last(st.trace(f, x)), x).tobytes() == f(x).tobytes()


def test_batch_norm_of_vectors_is_no_map() -> None:
    program = st.trace(lambda x: st.batch_norm(x, *FOUR), normal(5, 4))
    assert steps_of_maps(program) == frozenset()


def test_steps_without_maps_stay() -> None:
    x = normal(2, 5, 8)
    program = st.trace(lambda x: st.relu(st.softmax(st.matmul(x, normal(8, 8)), -1)), x)
    assert steps_of_maps(program) == frozenset()
    assert channels_last(program) is program
    image = normal(2, 4, 6, 6)
    there = st.trace(lambda x: st.conv2d(x, W[2], layout="NHWC"), image.transpose(0, 2, 3, 1))
    assert steps_of_maps(there) == frozenset()  # it is there already


def test_steps_that_cannot_are_refused() -> None:
    program = st.trace(lambda x: st.flatten(st.relu(st.conv2d(x, W[2]))), normal(2, 4, 6, 6))
    with pytest.raises(
        ValueError,
        match=r"channels_last: step 2 cannot have its channels last; the steps that can are 0, 1",
    ):
        channels_last(program, [0, 2])


def test_any_batch_size_and_every_schedule() -> None:
    x = normal(6, 4, 8, 8)
    net = st.Sequential(
        st.Conv2d(4, 32, 1, activation="relu", rng=1),
        st.Conv2d(32, 32, 3, padding=1, groups=32, rng=2),
        st.Conv2d(32, 48, 1, rng=3),
        st.GlobalAvgPool(keepdims=False),
    )
    program = fuse_epilogues(st.trace(net, x))
    last = channels_last(program, [1, 2, 3])
    for schedule in ("serial", "depth_first", "intra", "data", "tensor", "pipeline"):
        with st.plan(last, x, schedule=schedule, workers=2, calibrate=0) as plan:
            for samples in (6, 1, 5):
                assert plan(x[:samples]).tobytes() == net(x[:samples]).tobytes()


@settings(max_examples=60, deadline=None)
@given(BLOCKS, some.integers(0, 2**20), some.integers(1, 4), some.data())
def test_some_steps_of_random_networks(blocks: Any, seed: int, samples: int, data: Any) -> None:
    f = network(blocks, seed)
    x = np.random.default_rng(seed).normal(size=(samples, 2, 6, 6)).astype("f4")
    program = st.trace(f, x)
    steps = sorted(steps_of_maps(program))
    chosen = data.draw(some.sets(some.sampled_from(steps))) if steps else set()
    workers = data.draw(some.integers(1, 3))
    schedule = data.draw(some.sampled_from(["serial", "data", "depth_first"]))
    changed = channels_last(program, chosen)
    last = {dict(step.attributes).get("layout") for step in changed.steps} - {None}
    assert ("NHWC" in last) == any(program.steps[i].op in WITH_LAYOUT for i in chosen)
    assert run(changed, x, schedule=schedule, workers=workers).tobytes() == run(program, x).tobytes()


def test_ops_of_elements_exist() -> None:
    for op in OF_ELEMENTS:
        assert _core.op(op).inputs
