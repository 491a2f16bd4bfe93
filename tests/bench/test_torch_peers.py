"""The suite in PyTorch's form computes what the suite computes, and what has no form is named."""

import pytest
from stretto.bench.peers import UnsupportedError

from bench.networks import NETWORKS
from tests.bench.peer_cases import UNSUPPORTED, case_of, close, unsupported

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_torch_form(name, channels_last):
    from bench.peers import torch_network

    graph, inputs, expected = case_of(name)
    tensors = [torch.from_numpy(x) for x in inputs]
    with torch.inference_mode():
        forms = torch_network.forms_of(torch_network.Network(graph, channels_last).eval(), tensors)
        assert forms.keys() == {"eager", "frozen", "optimised"}
        for run in forms.values():
            assert close(run(*tensors).numpy(), expected)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_op_without_a_form_is_named(name):
    from bench.peers import torch_network

    graph, text = unsupported(name)
    with pytest.raises(UnsupportedError, match=text.format("PyTorch")):
        torch_network.Network(graph, False)
