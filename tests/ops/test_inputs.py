"""How many inputs an op takes: those left out at the end are absent, those that must be there are asked for."""

import numpy as np
import pytest
from stretto import _core

X = np.arange(64, dtype="f4").reshape(1, 4, 4, 4)
W = np.ones((2, 4, 3, 3), "f4")
BIAS = np.float32([1, 2])
OPS = ("matmul", "conv2d", "conv_transpose2d", "batch_norm", "clip", "where", "layer_norm")


def test_inputs_left_out_at_the_end_are_absent():
    conv2d = _core.op("conv2d")
    whole = conv2d((X, W, BIAS, None, None, None), {}, None, 1)
    assert conv2d((X, W), {}, None, 1).tobytes() == conv2d((X, W, *[None] * 4), {}, None, 1).tobytes()
    for count in (3, 4, 5):
        assert conv2d((X, W, BIAS, None, None)[:count], {}, None, 1).tobytes() == whole.tobytes()
        types = [("float32", X.shape), ("float32", W.shape), ("float32", BIAS.shape), None, None][:count]
        assert conv2d.infer(types, {}) == [("float32", (1, 2, 2, 2))]


@pytest.mark.parametrize("name", OPS)
def test_inputs_that_must_be_there_are_asked_for(name):
    op = _core.op(name)
    required = [place for place, name in enumerate(op.inputs) if not name.endswith(("?", "*"))]
    for count in range(required[-1] + 1):
        given = (np.ones((2, 2), "f4"),) * count
        missing = op.inputs[min(place for place in required if place >= count)]
        wanted = f"{name}: inputs are missing: there are {count}, and no {missing}"
        with pytest.raises(TypeError, match=wanted):
            op(given, {}, None, 1)
        with pytest.raises(TypeError, match=wanted):
            op.infer([("float32", (2, 2))] * count, {})
