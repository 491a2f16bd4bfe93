"""The published cases as ONNX models compute what the cases say."""

import numpy as np
import pytest
from stretto.bench import truth
from stretto.bench.cases import Case, published

onnx = pytest.importorskip("onnx")

LARGEST = 1 << 21  # elements; the larger cases are the same models at other sizes
CASES = [
    case for group in ("bmm", "conv", "conv_transpose", "elementwise") for case in published(group) if case.flops < 1e7
]


def shrunk(case: Case) -> Case:
    """With one sample in place of many: ONNX's reference is slow."""
    if case.group != "elementwise" or len(case.shapes[0]) != 4:
        return case
    return Case(case.group, case.name, case.op, ((1, *case.shapes[0][1:]), *case.shapes[1:]), case.options)


@pytest.mark.parametrize(
    "case", [case for case in map(shrunk, CASES) if case.read <= LARGEST], ids=lambda case: case.name
)
def test_model_computes_the_case(case: Case) -> None:
    from onnx.reference import ReferenceEvaluator
    from stretto.bench.peers.onnx_model import model_of

    arrays = truth.inputs_of(case, "float32")
    serialised, feeds = model_of(case, arrays)
    model = onnx.load_from_string(serialised)
    onnx.checker.check_model(model, full_check=True)
    (result,) = ReferenceEvaluator(model).run(None, feeds)
    assert result.shape == case.out_shape
    assert truth.error_of(case, arrays, truth.truth_of(case, arrays), np.asarray(result), "float32")[0] <= 1
