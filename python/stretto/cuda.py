"""CuPy arrays: whether anything can be computed on them here, and if not, why."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from stretto import _core

__all__ = ["cuda_available", "cuda_status"]


def load() -> str | None:
    """Hand the kernels of ``_cuda`` over to ``_core``; return why they cannot run, or None."""
    try:
        module = importlib.import_module("stretto._cuda")
    except ModuleNotFoundError:
        return "this build of stretto has no CUDA kernels"
    except ImportError as error:
        return f"the CUDA kernels cannot be loaded: {error}"
    _core.set_cuda_table(module.table)
    reason = _core.cuda_unavailable()
    if reason is not None:
        _core.set_cuda_table(None)
    return reason


def _reason() -> str | None:
    if "cupy" not in sys.modules and importlib.util.find_spec("cupy") is None:
        return "CuPy is not installed: pip install cupy-cuda13x"
    try:
        return load()
    except NotImplementedError as error:  # kernels of another version
        return str(error)


def on_gpu(arrays: Sequence[Any], gpu: int) -> list[Any]:
    """The arrays as CuPy's on a GPU, those of the host copied there; the copies are complete when this returns."""
    cupy = sys.modules["cupy"]
    with cupy.cuda.Device(gpu):
        if any(isinstance(a, np.ndarray) for a in arrays):
            _core.refuse_capture("plan")
        moved = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]
        if any(isinstance(a, np.ndarray) for a in arrays):
            cupy.cuda.get_current_stream().synchronize()  # a plan is called on any stream
    return moved


def cuda_available() -> bool:
    """Return whether the functions of ``stretto`` take CuPy arrays here. It never raises.

    CuPy is looked for, not imported.

    Returns
    -------
    bool
        True when this build has CUDA kernels, CuPy is installed, and there are a driver and a GPU for them.

    See Also
    --------
    cuda_status : why not.

    Examples
    --------
    >>> import stretto as st
    >>> st.cuda_available() in (True, False)
    True
    """
    return _reason() is None


def cuda_status() -> str:
    """Return ``"available"``, or in words why CuPy arrays cannot be computed on here. It never raises.

    Returns
    -------
    str
        The reason, such as a missing driver.

    Examples
    --------
    >>> import stretto as st
    >>> st.cuda_available() == (st.cuda_status() == "available")
    True
    """
    return _reason() or "available"
