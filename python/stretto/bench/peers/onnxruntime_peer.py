"""ONNX Runtime's CPU provider: inputs and output bound once, so that a call copies nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from stretto.bench.cases import Case
from stretto.bench.peers import Prepared, UnsupportedError
from stretto.bench.peers.onnx_model import model_of

Array = np.ndarray[Any, np.dtype[Any]]


def versions(threads: int) -> dict[str, str]:
    """Name ONNX Runtime; its threads are pinned in each session."""
    return {"onnxruntime": ort.__version__, "onnx": onnx.__version__}


def prepare(peer: str, case: Case, arrays: list[Array], threads: int) -> Prepared:
    """Open a session on a one-node model."""
    model, feeds = model_of(case, arrays)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except NoKernel as error:
        raise UnsupportedError(str(error)) from error
    binding = session.io_binding()
    held = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in feeds.items()}
    for name, value in held.items():
        binding.bind_ortvalue_input(name, value)
    out = ort.OrtValue.ortvalue_from_shape_and_type(list(case.out_shape), arrays[0].dtype.type)
    binding.bind_ortvalue_output("y", out)
    return Prepared(lambda: session.run_with_iobinding(binding), lambda: np.array(out.numpy()), (held, feeds))
