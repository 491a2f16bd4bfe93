"""The table of errors in docs/numerics.md says what is measured; ours are the same on every machine."""

import doctest
from fractions import Fraction

import numpy as np
import pytest

from bench import precision

PAGE = precision.PAGE.read_text()
TABLE = PAGE.split(precision.BEGIN)[1].split(precision.END)[0]


def exact_error(a, b, result):
    """The same by rational arithmetic."""
    errors = sizes = Fraction(0)
    for i, j in np.ndindex(result.shape):
        exact = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a[i], b[:, j], strict=True))
        errors += (Fraction(float(result[i, j])) - exact) ** 2
        sizes += exact**2
    return float(errors / sizes) ** 0.5


@pytest.mark.parametrize("data", precision.DATA)
@pytest.mark.parametrize("way", [way for way in precision.WAYS if way[1] == "highest"])
def test_our_errors_are_those_of_the_page(way, data):
    few = precision.TERMS[:2]
    cells = " | ".join(precision.our_errors(data, *way, few))
    assert f"| {precision.name_of(*way)} | {data} | {cells} |" in TABLE


@pytest.mark.parametrize("data", precision.DATA)
@pytest.mark.parametrize("dtype", precision.DTYPES)
def test_errors_are_exact(dtype, data):
    a, b = precision.operands(data, dtype, 64)
    result = precision.ours(a, b, "highest", dtype)
    assert precision.relative_error(a, b, result) == pytest.approx(exact_error(a, b, result), rel=1e-9)


def test_every_way_has_its_rows():
    for way in precision.WAYS:
        rows = [line for line in TABLE.splitlines() if line.startswith(f"| {precision.name_of(*way)} | ")]
        assert len(rows) in (1, len(precision.DATA))


def test_the_table_replaces_the_one_of_the_page(tmp_path, monkeypatch):
    page = tmp_path / "numerics.md"
    page.write_text(PAGE)
    monkeypatch.setattr(precision, "PAGE", page)
    precision.write("a table\n")
    assert page.read_text() == PAGE.replace(TABLE, "a table\n")


def test_examples():
    assert doctest.testmod(precision).failed == 0
