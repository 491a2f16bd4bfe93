"""Every test here has a device: CuPy's arrays on the host table."""

import sys
from collections.abc import Iterator

import pytest
from stretto import _core

from tests.cuda import fake_cupy, memory


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    before = sys.modules.get("cupy")
    fake_cupy.install()
    _core.use_host_table(memory.BEGIN, memory.BYTES)
    _core.host_launches()
    fake_cupy.state.device, fake_cupy.state.stream = 0, 0x5000
    yield
    _core.set_cuda_table(None)
    if before is None:
        del sys.modules["cupy"]
    else:
        sys.modules["cupy"] = before
