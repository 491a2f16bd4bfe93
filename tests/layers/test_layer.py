"""What every layer shares: parameters, seeds, files."""

import numpy as np
import pytest
import stretto as st


class Block(st.Layer):
    def __init__(self):
        self.first = st.Linear(4, 4, rng=1)
        self.more = [st.Linear(4, 4, rng=2), st.Sequential(st.Linear(4, 4, rng=3))]
        self.scale = np.ones(4, "f4")
        self._cache = np.zeros(3)

    def forward(self, x):
        y = self.first(x)
        for layer in self.more:
            y = layer(y)
        return st.matmul(y, np.eye(4, dtype="f4"), residual=x, scale=self.scale, shift=self.scale)


PATHS = ["scale", "first.weight", "first.bias", "more.0.weight", "more.0.bias", "more.1.0.weight", "more.1.0.bias"]
X = np.random.default_rng(0).normal(size=(5, 4)).astype("f4")


def test_parameters_by_path():
    assert list(Block().parameters()) == PATHS
    assert list(st.trace(Block(), X).parameters) == [p for p in PATHS if p != "scale"] + ["scale"]


def test_a_shared_layer_counts_once():
    layer = st.Linear(4, 4)
    assert list(st.Sequential(layer, layer).parameters()) == ["0.weight", "0.bias"]


def test_layers_of_a_plain_function_are_named_when_called():
    a, b = st.Linear(4, 4, rng=1), Block()
    program = st.trace(lambda x: b(a(x)), X)
    assert set(program.parameters) == {"Linear_0.weight", "Linear_0.bias", *(f"Block_0.{p}" for p in PATHS)}
    with st.plan(program, X, schedule="serial") as plan:
        np.testing.assert_array_equal(plan(X), b(a(X)))
        a.bias = a.bias + 1
        np.testing.assert_array_equal(plan(X), b(a(X)))


def test_parameters_are_read_only_and_keep_their_type():
    layer = st.Linear(4, 4)
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0] = 1
    with pytest.raises(ValueError, match=r"weight has the wrong shape or dtype.*must be float32 \(4, 4\)"):
        layer.weight = np.zeros((4, 5), "f4")
    with pytest.raises(ValueError, match="float64"):
        layer.weight = np.zeros((4, 4))
    given = np.ones((4, 4), "f4")
    layer.weight = given
    given[:] = 2
    assert (layer.weight == 1).all()


def test_seeds_do_not_depend_on_call_order():
    one, two = Block().initialize(5), Block()
    for part in (two.more[1], two.first):
        part.initialize(9)
    two.initialize(5)
    for path, array in one.parameters().items():
        assert array.tobytes() == two.parameters()[path].tobytes()
    other = Block().initialize(6)
    assert other.first.weight.tobytes() != one.first.weight.tobytes()
    assert one.first.weight.tobytes() != one.more[0].weight.tobytes()
    a, b = (Block().initialize(np.random.default_rng(3)) for _ in range(2))
    assert a.first.weight.tobytes() == b.first.weight.tobytes()


def test_save_and_load(tmp_path):
    path = tmp_path / "net.safetensors"
    net = Block().initialize(5)
    net.save(path)
    other = Block().initialize(6).load(path)
    for name, array in net.parameters().items():
        assert array.tobytes() == other.parameters()[name].tobytes()
    np.testing.assert_array_equal(net(X), other(X))


def test_load_refuses_what_does_not_fit(tmp_path):
    path = tmp_path / "net.safetensors"
    st.Sequential(st.Linear(4, 4)).save(path)
    net = st.Sequential(st.Linear(4, 4), st.Linear(4, 4))
    with pytest.raises(ValueError, match=r"missing \['1.bias', '1.weight'\], unexpected \[\]"):
        net.load(path)
    net.save(path)
    with pytest.raises(ValueError, match=r"unexpected \['1.bias', '1.weight'\]"):
        st.Sequential(st.Linear(4, 4)).load(path)
    narrow = st.Sequential(st.Linear(4, 3), st.Linear(3, 4))
    before = narrow.parameters()
    with pytest.raises(ValueError, match=r"0.weight does not fit: the file has float32 \(4, 4\); the network has"):
        narrow.load(path)
    assert all(narrow.parameters()[name] is array for name, array in before.items())


def test_bfloat16_parameters(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    net = st.Sequential(st.Linear(4, 3, dtype=ml_dtypes.bfloat16), st.Linear(3, 2, dtype=ml_dtypes.bfloat16))
    x = X.astype(ml_dtypes.bfloat16)
    with st.plan(net, x, schedule="data", workers=2) as plan:
        assert plan(x).tobytes() == net(x).tobytes()
    net.save(tmp_path / "n.safetensors")
    net.load(tmp_path / "n.safetensors")


def test_a_layer_without_forward():
    with pytest.raises(NotImplementedError, match="Layer has no forward function"):
        st.Layer()(X)


def test_repr():
    assert (
        repr(st.Sequential(st.Flatten(), st.Linear(2, 3)))
        == "Sequential(Flatten(start_axis=1), Linear(activation=None))"
    )


def test_layers_without_a_seed_differ() -> None:
    first, second = st.Linear(4, 4), st.Linear(4, 4)
    assert not np.array_equal(first.weight, second.weight)
    first.initialize(0)
    second.initialize(0)
    assert np.array_equal(first.weight, second.weight)
