"""The table of errors in docs/numerics.md: products of every dtype and precision, ours and NumPy's, against exact sums.

python -m bench.precision            # print it
python -m bench.precision --write    # put it into the page
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import stretto as st
from stretto.bench import machine
from stretto.bench.roofline import float_isa

PAGE = Path(__file__).resolve().parent.parent / "docs" / "numerics.md"
BEGIN, END = "<!-- python -m bench.precision --write -->\n", "<!-- end of the table -->\n"

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

TERMS = (64, 1024, 16384)
SIDE = 12  # rows and columns of a result
DTYPES: dict[str, Any] = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}
# dtype of the arrays, precision, dtype of the result
WAYS = (
    ("float64", "highest", "float64"),
    ("float32", "highest", "float32"),
    ("float32", "high", "float32"),
    ("float32", "medium", "float32"),
    ("float16", "highest", "float16"),
    ("float16", "highest", "float32"),
    ("bfloat16", "highest", "bfloat16"),
    ("bfloat16", "highest", "float32"),
)
SPREAD = {"float64": 20, "float32": 20, "float16": 4, "bfloat16": 20}  # binary orders, to each side
NEARLY = 2.0**-6  # by how much the terms that cancel differ


def normal(rng: np.random.Generator, dtype: str, terms: int) -> tuple[Array, Array]:
    """Standard normal."""
    return rng.standard_normal((SIDE, terms)), rng.standard_normal((terms, SIDE))


def wide_range(rng: np.random.Generator, dtype: str, terms: int) -> tuple[Array, Array]:
    """Standard normal times powers of two, spread evenly over many binary orders."""

    def scaled(values: Array) -> Array:
        orders = rng.integers(-SPREAD[dtype], SPREAD[dtype] + 1, values.shape)
        return np.ldexp(values, orders).astype(values.dtype, copy=False)

    a, b = normal(rng, dtype, terms)
    return scaled(a), scaled(b)


def cancelling(rng: np.random.Generator, dtype: str, terms: int) -> tuple[Array, Array]:
    """Every product has one of nearly the same size and the other sign, somewhere else in the sum."""
    a, b = rng.standard_normal((SIDE, terms // 2)), rng.standard_normal((terms // 2, SIDE))
    order = rng.permutation(terms)
    near = a * (1 + NEARLY * rng.standard_normal(a.shape))
    return np.concatenate([a, near], 1)[:, order], np.concatenate([b, -b])[order]


DATA: dict[str, Callable[[np.random.Generator, str, int], tuple[Array, Array]]] = {
    "normal": normal,
    "wide range": wide_range,
    "cancelling": cancelling,
}


def operands(data: str, dtype: str, terms: int) -> tuple[Array, Array]:
    """Two matrices in their dtype, the same in every run."""
    a, b = DATA[data](np.random.default_rng(terms), dtype, terms)
    return a.astype(DTYPES[dtype]), b.astype(DTYPES[dtype])


def relative_error(a: Array, b: Array, result: Array) -> float:
    """2-norm of result - a @ b over that of a @ b; each difference is the exact one, rounded once.

    A product of two doubles is the sum of two doubles (Dekker 1971); of narrower floats it is one.

    Examples
    --------
    >>> a, b = np.array([[3.0, 1e-30]]), np.array([[1.0], [1.0]])
    >>> relative_error(a, b, np.array([[3.0]])) == 1e-30 / 3
    True
    """
    wide_a, wide_b, wide_result = (x.astype(np.float64) for x in (a, b, result))
    errors, sizes = [], []
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            products = list(exact_products(wide_a[i], wide_b[:, j]))
            errors.append(math.fsum([-float(wide_result[i, j]), *products]))
            sizes.append(math.fsum(products))
    return math.hypot(*errors) / math.hypot(*sizes)


def exact_products(x: Array, y: Array) -> Iterator[float]:
    """Doubles whose sum is exactly x[0] * y[0] + x[1] * y[1] + ..."""
    (x_high, x_low), (y_high, y_low) = _halves(x), _halves(y)
    product = x * y
    rest = x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)
    yield from product.tolist()
    yield from rest[rest != 0].tolist()


def _halves(x: Array) -> tuple[Array, Array]:
    """A double as the sum of two of 26 bits (Veltkamp 1968)."""
    scaled = x * (2.0**27 + 1)
    high = scaled - (scaled - x)
    return high, x - high


def ours(a: Array, b: Array, precision: str, result: str) -> Array:
    """Our product, rounded to the dtype of the result once."""
    out = np.empty((a.shape[0], b.shape[1]), DTYPES[result])
    return np.asarray(st.matmul(a, b, precision=precision, out=out))


def numpy_product(a: Array, b: Array, result: str) -> Array | None:
    """NumPy's, where it has the dtype."""
    return None if a.dtype == ml_dtypes.bfloat16 else np.asarray(np.matmul(a, b, dtype=DTYPES[result]))


def our_errors(data: str, dtype: str, precision: str, result: str, terms: Sequence[int] = TERMS) -> list[str]:
    """Errors of our products of so many terms."""
    made = [operands(data, dtype, k) for k in terms]
    return [f"{relative_error(a, b, ours(a, b, precision, result)):.1e}" for a, b in made]


def numpy_errors(data: str, dtype: str, result: str) -> list[str]:
    """Errors of NumPy's."""
    found = []
    for a, b in (operands(data, dtype, k) for k in TERMS):
        product = numpy_product(a, b, result)
        found.append("" if product is None else f"{relative_error(a, b, product):.1e}")
    return found


def falls_back(dtype: str, precision: str, result: str) -> bool:
    """Whether a precision gives the bits of ``"highest"`` on this machine."""
    pairs = [operands(data, dtype, k) for data in DATA for k in TERMS]
    return all((ours(a, b, precision, result) == ours(a, b, "highest", result)).all() for a, b in pairs)


def name_of(dtype: str, precision: str, result: str) -> str:
    """How a row of the table is called."""
    return f'{dtype}, `"{precision}"`' + (f", {result} out" if result != dtype else "")


def table() -> str:
    """The block of the page."""
    blas: Any = np.show_config(mode="dicts")
    library = "{name} {version}".format(**blas["Build Dependencies"]["blas"])
    heads = [f"{who}, K = {k}" for who in ("ours", "NumPy") for k in TERMS]
    lines = [
        f"Measured on {machine.describe()['model']}, {float_isa()}, beside NumPy {np.__version__}",
        f"with {library}:",
        "",
        f"| arrays, precision | data | {' | '.join(heads)} |",
        "|---|---|" + "---:|" * len(heads),
    ]
    for way in WAYS:
        if way[1] != "highest" and falls_back(*way):
            lines.append(f'| {name_of(*way)} | all | the bits of `"highest"` |' + " |" * (len(heads) - 1))
            continue
        for data in DATA:
            errors = our_errors(data, *way) + numpy_errors(data, way[0], way[2])
            lines.append(f"| {name_of(*way)} | {data} | {' | '.join(errors)} |")
    return "\n".join(lines) + "\n"


def write(text: str) -> None:
    """Put the table between the marks of the page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END)[1], encoding="utf-8")


def main(command: list[str] | None = None) -> int:
    """Measure, then print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="put the table into docs/numerics.md")
    arguments = parser.parse_args(command)
    text = table()
    if arguments.write:
        write(text)
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
