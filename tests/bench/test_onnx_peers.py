"""The suite in ONNX's form computes what the suite computes, and what has no form is named."""

import pytest
from stretto.bench.peers import UnsupportedError

from bench.networks import NETWORKS
from tests.bench.peer_cases import UNSUPPORTED, case_of, close, unsupported

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_form(name):
    from onnx.reference import ReferenceEvaluator

    from bench.peers import onnx_network

    graph, inputs, expected = case_of(name)
    model = onnx.load_from_string(onnx_network.model_of(graph))
    onnx.checker.check_model(model, full_check=True)
    feeds = dict(zip(onnx_network.input_names(graph), inputs, strict=True))
    assert close(ReferenceEvaluator(model).run(None, feeds)[0], expected)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_op_without_a_form_is_named(name):
    from bench.peers import onnx_network

    graph, text = unsupported(name)
    with pytest.raises(UnsupportedError, match=text.format("ONNX")):
        onnx_network.model_of(graph)
