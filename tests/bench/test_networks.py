"""The suite: every network runs, gives what it says, and the same bits when its batch is cut."""

import numpy as np
import pytest
import stretto as st

from bench.networks import NETWORKS, named
from bench.peers.graph import Graph, graph_of

KINDS = ("digits", "wide_mlp", "deep_mlp", "cache_mlp", "resnet", "mobilenet", "inception", "transformer")
SHAPES = {
    "tiny": (4,),
    "deep_mlp": (128,),
    "two_towers": (1,),
    "unet": (1, 32, 32),
    "autoencoder": (1, 28, 28),
    "transformer": (32, 128),
    "audio": (12,),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network_runs_and_its_bits_do_not_depend_on_the_schedule(name: str) -> None:
    network = NETWORKS[name]
    inputs = network.example(2)
    program = st.trace(network.make(), *inputs)
    results = []
    for schedule in ("serial", "data"):
        with st.plan(program, inputs, schedule=schedule, workers=2) as plan:
            results.append(plan(*inputs))
    serial, data = results
    assert serial.shape[0] == 2
    assert np.isfinite(serial).all()
    assert serial.std() > 0
    assert (serial == data).all()
    if name in SHAPES:
        assert serial.shape[1:] == SHAPES[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_network_is_a_function_of_its_name(name: str) -> None:
    network = NETWORKS[name]
    inputs = network.example(1)
    assert all((a == b).all() for a, b in zip(inputs, network.example(1), strict=True))
    assert (network.make()(*inputs) == network.make()(*inputs)).all()


def test_every_kind_is_there() -> None:
    assert len(NETWORKS) >= 12
    assert set(KINDS) < NETWORKS.keys()


def test_unknown_network_is_named() -> None:
    with pytest.raises(SystemExit, match="unknown network: nothing; the networks are tiny"):
        named("digits,nothing")


@pytest.mark.parametrize("name", NETWORKS)
def test_graph_of_a_network_survives_its_file(name, tmp_path) -> None:
    network = NETWORKS[name]
    program = st.trace(network.make(), *network.example(2))
    graph = graph_of(program, 5)
    graph.save(tmp_path / "graph.npz")
    loaded = Graph.load(tmp_path / "graph.npz")
    assert loaded.shapes == graph.shapes
    assert loaded.shapes[loaded.inputs[0]] == (5, *network.shapes[0])
    assert [(n.op, n.inputs, n.outputs) for n in loaded.nodes] == [(n.op, n.inputs, n.outputs) for n in graph.nodes]
    assert loaded.arrays.keys() == graph.arrays.keys()
    assert all((loaded.arrays[i] == array).all() for i, array in graph.arrays.items())


def test_graph_refuses_other_dtypes() -> None:
    program = st.trace(lambda x: st.mul(x, x), np.ones((2, 3)))
    with pytest.raises(TypeError, match="only float32 networks are compared: this one has float64"):
        graph_of(program, 2)
