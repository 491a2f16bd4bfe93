"""Random small networks, drawn by hypothesis: functions of images made of st functions and layers."""

import numpy as np
import stretto as st
from hypothesis import strategies as some

# Each block: what it is, where in the history it reads from, and a number that sets its sizes.
BLOCKS = some.lists(
    some.tuples(
        some.sampled_from(
            [
                "conv",
                "strided",
                "pointwise",
                "residual",
                "concat",
                "grouped",
                "split",
                "max",
                "average",
                "upward",
                "sum",
                "act",
                "norm",
            ]
        ),
        some.integers(0, 3),
        some.integers(1, 5),
    ),
    min_size=1,
    max_size=6,
)


def weight(rng, *shape):
    return (rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype("f4")


def network(blocks, seed, side=6):
    """A function (n, 2, side, side) -> (n, 7)."""
    rng = np.random.default_rng(seed)
    made = {}

    def layer(key, make):
        return made.setdefault(key, make())

    def block(number, kind, x, history, size):
        channels = x.shape[1]

        def conv(out, kernel, **options):
            w = layer((number, kind), lambda: weight(rng, out, channels // options.get("groups", 1), kernel, kernel))
            return st.conv2d(x, w, **options)

        if kind in ("average", "upward") and min(x.shape[2:]) < 2:
            return conv(size, 1)
        if kind == "conv":
            return conv(size, 3, padding=1, activation="relu")
        if kind == "strided":
            return conv(size + 1, 2, stride=2, padding=1)
        if kind == "pointwise":
            return conv(2 * size, 1, activation=("leaky_relu", 0.1))
        if kind == "residual":
            return conv(channels, 3, padding=1, residual=x, activation="relu")
        if kind == "max":
            return st.max_pool2d(x, 2, stride=1, padding=1)
        if kind == "average":
            return st.avg_pool2d(x, (2, 1), ceil_mode=True)
        if kind == "sum":
            y = conv(channels, 3, padding=1)
            return st.relu(x + y * 0.5) if size % 2 else st.maximum(x, y) - 0.25
        if kind == "norm":
            gamma = layer((number, kind), lambda: rng.normal(size=channels).astype("f4"))
            return st.group_norm(x, 1, gamma, gamma) if size % 2 else st.softmax(x, 1)
        if kind == "act":
            return (st.silu, st.gelu, st.sigmoid, st.tanh, st.leaky_relu)[size - 1](x)
        if kind == "upward":
            w = layer((number, kind), lambda: weight(rng, channels, size, 2, 2))
            return st.conv_transpose2d(x, w, stride=2, padding=1)
        if kind == "grouped":
            return conv(channels * size, 3, padding=1, groups=channels)
        same = [y for y in history if y.shape[2:] == x.shape[2:]]
        if kind == "concat":
            return st.concat(same[-size - 1 :] if channels < 20 else same[-2:], axis=1)
        if channels < 2:
            return conv(2, 1)
        first, second = st.split(x, [1], axis=1)
        return st.concat([second, first], axis=1)

    def f(x):
        history = [x]
        for number, (kind, back, size) in enumerate(blocks):
            history.append(block(number, kind, history[max(0, len(history) - 1 - back)], history, size))
        flat = st.flatten(history[-1])
        other = st.flatten(history[len(history) // 2])
        w = layer("head", lambda: weight(rng, flat.shape[1], 7))
        v = layer("second head", lambda: weight(rng, other.shape[1], 7))
        return st.matmul(flat, w, residual=st.matmul(other, v, activation="relu"))

    return f
