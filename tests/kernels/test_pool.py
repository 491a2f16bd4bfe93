"""Every variant of pooling and of its gradient gives the reference's bits."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from stretto import _core

from tests.cases.pool import ADAPTIVE, CASES, GLOBAL_SHAPES

SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-40, -1e-40, 3e38, -3e38, 1.0])


def same(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    if a.dtype.kind in "iub":
        return bool(np.array_equal(a, b))
    a, b = (v.astype("f8" if v.dtype.itemsize == 8 else "f4") for v in (a, b))
    return bool(np.all((a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))))


def random_array(rng, shape, dtype, special=0.0):
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    x = rng.standard_normal(shape) * np.exp2(rng.integers(-20, 20, shape))
    x = np.where(rng.random(shape) < special, rng.choice(SPECIAL, shape), x)
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def last(x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def runs(op, inputs, attributes):
    """The result of every present variant that takes the arguments, and of several threads."""
    reference = next(name for name, _, _ in op.variants if name.endswith("reference"))
    expected = op(inputs, attributes, None, 1, reference)
    fitting = 0
    for name, _, present in op.variants:
        if not present:
            continue
        try:
            result = op(inputs, attributes, None, 1, name)
        except NotImplementedError:
            continue
        fitting += 1
        assert same(result, expected), name
    assert fitting >= 2
    assert same(op(inputs, attributes, None, 3), expected)
    return expected


def check(name, x, attributes, gradient=True):
    op = _core.op(name)
    first = runs(op, (x,), attributes)
    channels_last = {**attributes, "layout": "NHWC"}
    assert same(np.moveaxis(runs(op, (last(x),), channels_last), -1, 1), first)
    if not gradient or x.dtype.kind in "iu":
        return
    grad = random_array(np.random.default_rng(7), first.shape, x.dtype)
    gradient_op = _core.op(f"{name}_gradient")
    dx = runs(gradient_op, (grad, x), attributes)
    assert same(np.moveaxis(runs(gradient_op, (last(grad), last(x)), channels_last), -1, 1), dx)
    if len(x) > 1:  # a slice of the batch gives a slice of the result
        assert same(op((x[1:],), attributes), first[1:])
        assert same(gradient_op((grad[1:], x[1:]), attributes), dx[1:])


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ml_dtypes.bfloat16])
@pytest.mark.parametrize(("axes", "shape", "options"), CASES)
def test_cases(axes, shape, options, dtype):
    x = random_array(np.random.default_rng(0), shape, dtype)
    check(f"max_pool{axes}d", x, options)
    for count in (True, False):
        check(f"avg_pool{axes}d", x, {**options, "count_include_pad": count})


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
@pytest.mark.parametrize(("axes", "shape", "options"), CASES[:5] + CASES[-2:])
def test_integers(axes, shape, options, dtype):
    check(f"max_pool{axes}d", random_array(np.random.default_rng(0), shape, dtype), options)


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_global_and_adaptive(dtype):
    rng = np.random.default_rng(1)
    for shape in GLOBAL_SHAPES:
        for keepdims in (True, False):
            check("global_avg_pool", random_array(rng, shape, dtype), {"keepdims": keepdims})
            check("global_max_pool", random_array(rng, shape, dtype, 0.01), {"keepdims": keepdims})
    for shape, size in ADAPTIVE:
        check("adaptive_avg_pool2d", random_array(rng, shape, dtype), {"output_size": size})


@given(data=some.data())
@settings(max_examples=120, deadline=None)
def test_drawn(data):
    def draw(low, high):
        return data.draw(some.integers(low, high))

    axes = draw(1, 3)
    kernel = [draw(1, 5) for _ in range(axes)]
    dilation = [draw(1, 2) for _ in range(axes)]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    padding = [(draw(0, e // 2), draw(0, e // 2)) for e in extent]
    sizes = [max(1, e - sum(p)) + draw(0, 40 if axes < 3 else 6) for e, p in zip(extent, padding, strict=True)]
    options = {
        "kernel_size": tuple(kernel),
        "stride": tuple(draw(1, 4) for _ in range(axes)),
        "padding": tuple(padding),
        "dilation": tuple(dilation),
        "ceil_mode": data.draw(some.booleans()),
    }
    shape = (draw(1, 2), draw(1, 4), *sizes)
    x = random_array(np.random.default_rng(draw(0, 99)), shape, data.draw(some.sampled_from(["f4", "f8"])), 0.1)
    check(f"max_pool{axes}d", x, options)
    check(f"avg_pool{axes}d", x, {**options, "count_include_pad": data.draw(some.booleans())})


def small_options(rng):
    """A window of up to 4 x 4, as it is in any axis."""
    window, dilation = rng.integers(1, 5, 2), rng.choice([1, 1, 1, 2], 2)
    padding = [rng.integers(0, (k - 1) * d // 2 + 1, 2) for k, d in zip(window, dilation, strict=True)]
    return {
        "kernel_size": tuple(int(k) for k in window),
        "stride": tuple(int(s) for s in rng.integers(1, 4, 2)),
        "padding": tuple((int(low), int(high)) for low, high in padding),
        "dilation": tuple(int(d) for d in dilation),
        "ceil_mode": bool(rng.random() < 0.3),
    }


USUAL = [{"kernel_size": k, "stride": s, "padding": p} for k, s, p in [(2, 2, 0), (3, 1, 1), (3, 2, 1), (3, 2, 0)]]


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_small_maps(name, dtype):
    op, rng = _core.op(name), np.random.default_rng(8)
    for height, width in [(n, n) for n in range(1, 21)] + [(5, 40), (70, 6), (1, 16), (16, 1), (33, 33), (9, 63)]:
        x = random_array(rng, (2, int(rng.choice([1, 7, 32])), height, width), dtype, special=0.1)
        for options in USUAL + [small_options(rng) for _ in range(20)]:
            padding, window, dilation = (
                np.broadcast_to(np.array(options.get(key, 1)).T, (2, 2)).T
                for key in ("padding", "kernel_size", "dilation")
            )
            if name == "avg_pool2d":
                dilation = np.ones((2, 2), int)
                options = {key: value for key, value in options.items() if key != "dilation"}
                options |= {"count_include_pad": bool(rng.random() < 0.5)}
                if np.any(padding > window // 2):
                    continue
            if np.all(padding.sum(1) + x.shape[2:] > ((window - 1) * dilation)[:, 0]):
                runs(op, (x,), options)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_small_maps_leave_the_rest_alone(name, dtype):
    op, rng = _core.op(name), np.random.default_rng(9)
    for n in (2, 4, 7, 8, 13, 16, 20):
        base = random_array(rng, (4, 17, n + 2, n + 3), dtype, special=0.1)
        for view in (base[::2, :, 1:-1, 2:-1], base[:, ::-3, :-2, :n], base[:, :, n:0:-1, 1 : n + 1], base[:, 4:]):
            for options in USUAL:
                if min(view.shape[2:]) + 2 * options["padding"] < options["kernel_size"]:
                    continue
                expected = op((view.copy(),), options, None, 1, "pool_reference")
                whole = np.full(tuple(size + 1 for size in expected.shape), 7.0, dtype)
                out = whole[:-1, 1:, :-1, :-1]
                for variant, _, present in op.variants:
                    if present and variant.startswith(("pool_max", "pool_average")[name == "avg_pool2d"]):
                        out[:] = np.nan
                        op((view,), options, out, 2, variant)
                        assert same(out, expected), variant
                        rest = whole.copy()
                        rest[:-1, 1:, :-1, :-1] = 7
                        assert np.all(rest == 7), variant


@pytest.mark.parametrize("window", [2, 4, 8, 32])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2"])
def test_windows_side_by_side(window, dtype):
    rng = np.random.default_rng(window)
    for outputs in (1, 3, 8, 21, 50):
        x = random_array(rng, (2, 3, window * outputs + outputs % window), dtype, special=0.05)
        check("max_pool1d", x, {"kernel_size": window})
        check("max_pool2d", np.stack([x, x[::-1]], 2), {"kernel_size": (2, window)})


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
def test_strided_views_and_outputs(name):
    op = _core.op(name)
    base = random_array(np.random.default_rng(3), (4, 9, 30, 41), "f4")
    options = {"kernel_size": 3, "stride": 2, "padding": 1}
    for view in (base[::2, ::-1, 1::2], base[:, :, :, ::2], base.transpose(1, 0, 3, 2), base[:, :, ::-1]):
        expected = op((view.copy(),), options)
        assert same(op((view,), options), expected)
        out = np.full(tuple(2 * n for n in expected.shape), np.nan, "f4")[::2, 1::2, ::2, 1::2]
        op((view,), options, out)
        assert same(out, expected)
        channels = np.full(tuple(expected.shape[i] for i in (0, 2, 3, 1)), np.nan, "f4")
        op((np.moveaxis(view, 1, -1),), {**options, "layout": "NHWC"}, channels)
        assert same(np.moveaxis(channels, -1, 1), expected)


def test_many_threads_on_large_inputs():
    x = random_array(np.random.default_rng(4), (3, 40, 60, 60), "f4")
    for name in ("max_pool2d", "avg_pool2d"):
        options = {"kernel_size": 3, "stride": 2, "padding": 1}
        one = _core.op(name)((x,), options, None, 1)
        grad = random_array(np.random.default_rng(5), one.shape, "f4")
        gradient = _core.op(f"{name}_gradient")
        dx = gradient((grad, x), options, None, 1)
        for threads in (2, 7):
            assert same(_core.op(name)((x,), options, None, threads), one)
            assert same(gradient((grad, x), options, None, threads), dx)
