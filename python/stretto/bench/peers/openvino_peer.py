"""OpenVINO's CPU plugin on the same one-node models, in full precision, one stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov

from stretto.bench.cases import Case
from stretto.bench.peers import Prepared, UnsupportedError
from stretto.bench.peers.onnx_model import model_of

Array = np.ndarray[Any, np.dtype[Any]]

_CORE = ov.Core()


def versions(threads: int) -> dict[str, str]:
    """Name OpenVINO; its threads are pinned in each compiled model."""
    return {"openvino": str(ov.get_version())}


def prepare(peer: str, case: Case, arrays: list[Array], threads: int) -> Prepared:
    """Compile a one-node model and bind its inputs to the arrays."""
    if arrays[0].dtype == np.float64:
        raise UnsupportedError("OpenVINO computes float64 in float32")
    serialised, feeds = model_of(case, arrays)
    compiled = _CORE.compile_model(
        _CORE.read_model(serialised),
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",  # sums of 16-bit products too
        },
    )
    request = compiled.create_infer_request()
    held = {name: ov.Tensor(array, shared_memory=True) for name, array in feeds.items()}
    for name, tensor in held.items():
        request.set_tensor(name, tensor)
    return Prepared(lambda: request.infer(), lambda: np.array(request.get_output_tensor().data), (held, feeds))
