"""Layers whose parameters are on a GPU."""

from pathlib import Path

import numpy as np
import pytest
import stretto as st
from stretto import _core

from tests.cuda.fake_cupy import module as cupy
from tests.cuda.fake_cupy import to_device, to_host


def network() -> st.Sequential:
    return st.Sequential(
        st.Conv2d(3, 8, 3, padding=1, rng=1),
        st.BatchNorm(8),
        st.ReLU(),
        st.MaxPool2d(2),
        st.Flatten(),
        st.Linear(8 * 4 * 4, 10, activation="gelu", rng=2),
        st.Softmax(),
    )


X = np.random.default_rng(0).standard_normal((5, 3, 8, 8)).astype("f4")


def test_a_network_has_the_bits_of_the_host() -> None:
    net = network()
    expected = net(X)
    assert net.to_device() is net
    assert {type(p) for p in net.parameters().values()} == {cupy.ndarray}
    result = net(to_device(X))
    assert type(result) is cupy.ndarray
    assert to_host(result).tobytes() == expected.tobytes()
    assert len(_core.host_launches()) >= 6
    assert net.to_host()(X).tobytes() == expected.tobytes()
    assert all(isinstance(p, np.ndarray) and not p.flags.writeable for p in net.parameters().values())


def test_attention_and_embedding() -> None:
    net = st.Sequential(st.Embedding(11, 8, rng=1), st.LayerNorm(8), st.MultiHeadAttention(8, 2, causal=True, rng=2))
    ids = np.array([[1, 4, 10], [0, 3, 2]])
    expected = net(ids)
    assert to_host(net.to_device()(to_device(ids))).tobytes() == expected.tobytes()


def test_parameters_on_a_device_are_parameters(tmp_path: Path) -> None:
    net = network()
    names, before = list(net.parameters()), {k: v.copy() for k, v in net.parameters().items()}
    net.to_device().save(tmp_path / "net.safetensors")
    assert list(net.parameters()) == names
    assert "Linear(" in repr(net)
    with pytest.raises(ValueError, match="Linear: weight has the wrong shape or dtype"):
        net[5].weight = to_device(np.zeros(3, "f4"))
    net.initialize(7)
    net.load(tmp_path / "net.safetensors")
    assert {type(p) for p in net.parameters().values()} == {cupy.ndarray}
    assert all(to_host(v).tobytes() == before[k].tobytes() for k, v in net.parameters().items())


def test_a_layer_on_the_host_refuses_a_device_array() -> None:
    with pytest.raises(TypeError, match="x is a CuPy array on GPU 0, w is a NumPy array in host memory"):
        network()(to_device(X))
