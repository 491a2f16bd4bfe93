"""C and Cython sources, compiled here: the examples of ``docs/c_and_cython.md`` and what they leave out."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import stretto as st

from tests.capi import table
from tests.capi.building import cython_module, shared_library
from tests.test_readme import blocks

HERE = Path(__file__).parent
DTYPES = [np.dtype("f4"), np.dtype("f8"), np.dtype(ml_dtypes.bfloat16)]


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.name.split(".")[0], path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cython_module(HERE / "kernels.pyx", tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="module")
def kernels(compiled: Path) -> ModuleType:
    module = imported(compiled)
    module.fetch()
    return module


def draw(seed: int, dtype: Any, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_the_cython_example(tmp_path: Path) -> None:
    (source,) = blocks("docs/c_and_cython.md", "cython")
    (tmp_path / "recurrence.pyx").write_text(source)
    example = imported(cython_module(tmp_path / "recurrence.pyx", tmp_path))
    steps, states = draw(1, "f4", 5, 3, 8, 8) / 3, np.empty((6, 3, 8, 2), "f4")
    states[0] = draw(2, "f4", 3, 8, 2)
    example.recurrence(steps, states)
    for t in range(5):
        assert (states[t + 1] == st.matmul(steps[t], states[t], activation="tanh")).all()


def test_the_c_example(tmp_path: Path) -> None:
    (source,) = blocks("docs/c_and_cython.md", "c")
    (python,) = blocks("docs/c_and_cython.md", "python")
    (tmp_path / "block.c").write_text(source)
    names: dict[str, Any] = {}
    exec(python, names)
    library = ctypes.CDLL(str(shared_library(tmp_path / "block.c", tmp_path / "block.so", "-std=c11", "-pedantic")))
    x, w = draw(1, "f4", 2, 4, 6, 6), draw(2, "f4", 4, 4, 3, 3)
    y = np.empty_like(x)
    sizes = [ctypes.c_int64(size) for size in (2, 4, 6)]
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, w, y)]
    assert library.residual_block(names["table"], *sizes, *pointers) == table.OK
    once = st.conv2d(x, w, padding=1, residual=x, activation="relu")
    assert (y == st.conv2d(once, w, padding=1, residual=once, activation="relu")).all()


@pytest.mark.parametrize(
    "flags", [["-std=c11"], ["-x", "c++", "-std=c++20", "-Wno-missing-field-initializers"]], ids=" ".join
)
def test_an_extension_module(flags: list[str], tmp_path: Path) -> None:
    extension = imported(shared_library(HERE / "extension.c", tmp_path / "extension.so", *flags))
    a, out = draw(1, "f8", 9, 9), np.empty((9, 9))
    extension.square(a, out, 9)
    assert (out == st.matmul(a, a)).all()
    with pytest.raises(ValueError, match=r"^matmul: a size of a is negative: a is \(1, -1, -1\)$"):
        extension.square(a, out, -1)
    for status, kind in enumerate((ValueError, NotImplementedError, MemoryError, RuntimeError, RuntimeError), start=1):
        with pytest.raises(kind, match=r"^matmul: a size of a is negative: "):
            extension.raise_status(status)


def test_calls_before_import_stretto(compiled: Path, tmp_path: Path) -> None:
    unimported = imported(shutil.copy(compiled, tmp_path / compiled.name))  # a copy has a table pointer of its own
    assert unimported.without_import()
    with pytest.raises(RuntimeError, match=r"call import_stretto\(\) first"):
        unimported.raise_without_import()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_products_in_a_loop_without_the_gil(kernels: ModuleType, dtype: np.dtype[Any]) -> None:
    a, b = draw(1, dtype, 50, 8, 8), draw(2, dtype, 50, 8, 8)
    out = np.empty_like(a)
    kernels.matmuls(dtype.name, a.ctypes.data, b.ctypes.data, out.ctypes.data, 50, 8)
    assert out.tobytes() == st.matmul(a, b).tobytes()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_images_in_a_loop_without_the_gil(kernels: ModuleType, dtype: np.dtype[Any]) -> None:
    x, w = draw(1, dtype, 6, 3, 11, 11), draw(2, dtype, 5, 3, 3, 3)
    expected = st.conv2d(x, w, stride=2, padding=((1, 0), (1, 0)))
    out = np.empty_like(expected)
    kernels.convs(dtype.name, x.ctypes.data, w.ctypes.data, out.ctypes.data, 6, 3, 5, 11)
    assert out.tobytes() == expected.tobytes()


def test_errors_in_cython(kernels: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"^matmul: a is NULL: its shape is \(1, 4, 4\); only an empty one may be$"):
        kernels.matmuls("float32", 0, 0, 0, 1, 4)


def test_the_header_is_the_one_of_the_sources() -> None:
    installed = Path(st.get_include(), "stretto", "capi.h")
    assert installed.read_bytes() == (HERE.parents[1] / "csrc" / "capi.h").read_bytes()
