"""NumPy's own tests of matmul, run on ours. Where stretto differs on purpose, its documented behaviour is asserted."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy._core.tests.test_multiarray as theirs
import pytest
import stretto as st


class _NumPyWithOurMatmul:
    """The `np` of NumPy's test module: half of the tests call np.matmul by name."""

    def __getattr__(self, name: str) -> Any:
        return st.matmul if name == "matmul" else getattr(np, name)


@pytest.fixture(autouse=True)
def our_matmul(monkeypatch):
    monkeypatch.setattr(theirs, "np", _NumPyWithOurMatmul())


def refuses(*operands: np.ndarray) -> None:
    with pytest.raises(TypeError, match=f"matmul: no kernel for dtype {operands[0].dtype}"):
        st.matmul(*operands)


class TestMatmul(theirs.TestMatmul):  # type: ignore[misc]
    matmul = staticmethod(st.matmul)
    types = "?bhilqBHILQefd"

    def test_result_types(self):
        for dt in self.types:
            m, v = np.ones((1, 1), dt), np.ones(1, dt)
            for operands in ((m, v), (v, m), (m, m)):
                assert st.matmul(*operands).dtype == dt
            # long and long long are one type of 64 bits
            assert type(st.matmul(v, v)) is np.dtype(np.dtype(dt).name).type

    def test_out_arg(self):
        a, b = np.ones((5, 2)), np.array([[1.0, 3.0], [5.0, 7.0]])
        out = np.zeros((5, 2))
        with pytest.raises(TypeError, match="positional"):
            st.matmul(a, b, out)
        assert st.matmul(a, b, out=out) is out
        assert np.array_equal(out, np.dot(a, b))
        with pytest.raises(TypeError, match="matmul: cannot cast the result to out"):
            st.matmul(a, b, out=np.zeros((5, 2), np.int32))
        wide = np.zeros((5, 2), np.complex128)
        assert st.matmul(a, b, out=wide) is wide
        assert np.array_equal(wide, np.dot(a, b))

    def test_empty_out(self):
        empty = np.ones((0, 1, 1))
        assert st.matmul(empty, empty).shape == (0, 1, 1)
        text = "matmul: out has the wrong shape: out is (1, 1, 1); the result is (0, 1, 1)"
        with pytest.raises(ValueError, match=re.escape(text)):
            st.matmul(empty, empty, out=np.ones((1, 1, 1)))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
    def test_dot_equivalent_matrix_matrix_blastypes(self, dtype):
        if np.issubdtype(dtype, np.complexfloating):
            refuses(self.m1.astype(dtype), self.m2.astype(dtype))
        else:
            super().test_dot_equivalent_matrix_matrix_blastypes(dtype)

    def test_matmul_object(self):
        refuses(np.ones((10, 3, 3), object), np.ones((10, 3, 3), object))

    def test_matmul_object_type_scalar(self):
        refuses(np.ones(2, object), np.ones(2, object))

    def test_matmul_empty(self):
        refuses(np.empty((3, 0), object), np.empty((0, 3), object))
