"""Every variant of matmul against the reference, bit for bit."""

from __future__ import annotations

import zlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stretto import _core

from tests.cases import matmul as cases

matmul = _core.op("matmul")
VARIANTS = [name for name, _, present in matmul.variants if present and name != "matmul_reference"]
KINDS = {
    "float": ["float32", "float64"],
    "float16": ["float16"],
    "bfloat16": ["bfloat16"],
    "integer": ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
}
SMALL = [((5, 40), (40, 37), ""), ((17, 100), (100, 5), "b"), ((1, 64), (64, 200), ""), ((9, 300), (300, 40), "")]
SPLIT = [
    ((300, 200), (200, 300), ""),
    ((64, 12300), (12300, 32), ""),
    ((200, 24, 24), (200, 24, 24), ""),
    ((1, 2000), (2000, 1000), ""),
    ((9, 600), (600, 4100), ""),
]
DTYPES = [dtype for kind in KINDS.values() for dtype in kind]


def variants_of(dtype: str) -> list[str]:
    one = np.ones((1, 1), dtype)
    fitting = []
    for name in VARIANTS:
        try:
            matmul((one, one), {}, None, 1, name)
        except NotImplementedError:
            continue
        fitting.append(name)
    return fitting


def same_bits(got: np.ndarray, expected: np.ndarray) -> bool:
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return False
    if expected.dtype.kind in "biu":
        return np.array_equal(got, expected)
    nan = np.isnan(expected)
    unsigned = f"u{expected.itemsize}"
    got, expected = np.ascontiguousarray(got), np.ascontiguousarray(expected)
    equal_bits = got.reshape(-1).view(unsigned) == expected.reshape(-1).view(unsigned)
    return bool(np.all(equal_bits | (nan & np.isnan(got)).reshape(-1)))


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, spread: str = "normal") -> np.ndarray:
    if dtype == "bool":
        return rng.random(shape) < 0.2
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 256, (*shape, np.dtype(dtype).itemsize), "u1").view(dtype)[..., 0]
    x = rng.standard_normal(shape)
    if spread == "wide":
        info = ml_dtypes.finfo(dtype)
        x = np.ldexp(x, rng.integers(info.minexp - info.nmant, info.maxexp // 2, shape))
    elif spread == "tiny":
        info = ml_dtypes.finfo(dtype)
        x = np.ldexp(x, rng.integers(info.minexp // 2 - 4, info.minexp // 2 + 4, shape))
    elif spread == "special":
        choices = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.0**-126, -(2.0**-130), 3e38, 1.5])
        x = np.where(rng.random(shape) < 0.06, rng.choice(choices, shape), np.round(x * 2))
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def operands(case, dtype: str, seed: int = 0, spread: str = "normal") -> tuple[np.ndarray, np.ndarray]:
    a_shape, b_shape, transposed = case
    rng = np.random.default_rng([seed, zlib.crc32(repr(case).encode())])
    a, b = values(rng, a_shape, dtype, spread), values(rng, b_shape, dtype, spread)
    if "a" in transposed:
        a = np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)
    if "b" in transposed:
        b = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)
    return a, b


def check(inputs: tuple, dtype: str, attributes: dict | None = None, threads: tuple[int, ...] = (1, 3)) -> None:
    attributes = attributes or {}
    expected = matmul(inputs, attributes, None, 1, "matmul_reference")
    for name in variants_of(dtype):
        for count in threads:
            got = matmul(inputs, attributes, None, count, name)
            assert same_bits(got, expected), f"{name}, {count} threads, {inputs[0].shape} @ {inputs[1].shape}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_variants_on_shared_shapes(dtype):
    for case in cases.SHAPES:
        check(operands(case, dtype), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stacks_of_tiny_matrices_in_any_layout(dtype):
    rng = np.random.default_rng(5)
    a, b = values(rng, (70, 6, 8), dtype, "special"), values(rng, (70, 8, 2), dtype, "special")
    with np.errstate(invalid="ignore"):
        for left in (a[:, :3, :5], a[::2, ::2, 1::3], a[::-1], np.broadcast_to(a[3], a.shape)):
            k = left.shape[-1]
            for right in (b[:, :k, :1], b[: len(left), :k][..., ::-1], b[3, :k, 0]):
                if right.ndim == 1 or len(right) == len(left):
                    check((left, right), dtype)
        out = np.zeros((70, 6, 3), dtype)
        expected = matmul((a, b[..., :1]), {}, None, 1, "matmul_reference")
        assert same_bits(matmul((a, b[..., :1]), {}, out[..., 1:2]), expected)
        assert not out[..., ::2].any()


# What each machine runs: the row of its instruction set, or the next one down that is built.
SELECTED = [
    ("float32", ((512, 512), (512, 512)), "matmul"),
    ("float64", ((100_000, 4, 4), (100_000, 4, 1)), "matmul"),
    ("float32", ((1, 4096), (4096, 4096)), "matmul"),
    ("float16", ((64, 64), (64, 64)), "matmul_half"),
    ("bfloat16", ((1, 300), (300, 40)), "matmul_half"),
    ("int8", ((64, 64), (64, 64)), "matmul_narrow"),
    ("uint16", ((64, 64), (64, 64)), "matmul_narrow"),
    ("int32", ((64, 64), (64, 64)), "matmul_integer"),
    ("bool", ((8, 8), (8, 8)), "matmul_integer"),
]
MACHINES = {
    "reference": [],
    "avx2": ["avx2"],
    "avx512": ["avx2", "avx512"],
    "avx512vnni": ["avx2", "avx512", "avx512vnni"],
    "neon": ["neon"],
}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("dtype", "shapes", "stem"), SELECTED)
def test_selection_for_machines_passed_in(machine, dtype, shapes, stem):
    built = [name for name, _, _ in matmul.variants]
    names = [f"{stem}_{arch}" for arch in reversed(MACHINES[machine]) if f"{stem}_{arch}" in built]
    selected = matmul.select([(dtype, shape) for shape in shapes], {}, MACHINES[machine])
    assert selected == (names[0] if names else "matmul_reference")


AMX = ["avx2", "avx512", "avx512vnni", "avx512amx"]


@pytest.mark.skipif("matmul_avx512" not in {name for name, _, _ in matmul.variants}, reason="not built for x86-64")
@pytest.mark.parametrize(
    ("dtype", "attributes", "name"),
    [
        ("bfloat16", {}, "matmul_pairs_avx512amx"),
        ("int8", {"dtype": "int32"}, "matmul_bytes_avx512amx"),
        ("int8", {}, "matmul_narrow_avx512vnni"),
        ("float32", {}, "matmul_avx512"),
        ("float32", {"precision": "high"}, "matmul_high_avx512amx"),
        ("float32", {"precision": "medium"}, "matmul_medium_avx512amx"),
        ("float64", {"precision": "high"}, "matmul_avx512"),
    ],
)
def test_selection_on_amx(dtype, attributes, name):
    for batch, m in [(1, 1), (1, 1000), (50, 3)]:  # of which no bit of a result may depend
        for n in (1, 200):  # plans share out columns
            types = [(dtype, (batch, m, 300)), (dtype, (300, n))]
            assert matmul.select(types, attributes, AMX) == name
        assert matmul.select(types, attributes, AMX[:1]).endswith("_avx2")


def test_short_sums_are_not_split():
    types = [("float32", (100, 63)), ("float32", (63, 200))]
    assert matmul.select(types, {"precision": "high"}, AMX) == matmul.select(types, {}, AMX)


def test_selection_of_what_only_the_reference_computes():
    types = [("bool", (1, 2**31)), ("bool", (2**31, 1))]
    assert matmul.select(types, {}, ["avx2", "avx512", "neon"]) == "matmul_reference"


def test_every_tile():
    for case in cases.TILES:
        check(operands(case, "float32"), "float32", threads=(1,))


@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_epilogues_that_tiles_form(activation):
    rng = np.random.default_rng(6)
    for case in cases.TILES:
        a, b = operands(case, "float32", spread="special")
        bias, row = (values(rng, b.shape[-1:], "float32", "special") for _ in range(2))
        residual = values(rng, (*a.shape[:-1], *b.shape[-1:]), "float32", "special")
        attributes = {"activation": activation} if activation else {}
        for terms in ((bias,), (bias, None, None, residual), (None, None, None, row), ()):
            check((a, b, *terms), "float32", attributes, threads=(1,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_few_rows_in_every_width(dtype, rows):
    rng = np.random.default_rng(rows)
    for columns in (*range(17, 131, 3), 200, 520):
        for terms in (1, 9, 4097, 8200):
            if terms > 4096 and columns > 40:
                continue
            a, b = values(rng, (rows, 2 * terms), dtype), values(rng, (terms, columns + 5), dtype)[:, 2:-3]
            bias, residual = values(rng, (columns,), dtype), values(rng, (rows, columns), dtype)
            check((a[:, ::2], b), dtype)
            check((a[:, ::2], b, bias, None, None, residual), dtype, {"activation": "relu"})
            check((a[:, :terms], values(rng, (3, terms, columns), dtype)), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("spread", ["wide", "tiny", "special"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_variants_on_special_values(dtype, spread):
    for seed in range(3):
        for case in SMALL:
            check(operands(case, dtype, seed, spread), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("terms", [4480, 4864, 5632])
def test_last_segments_that_are_cut_into_longer_blocks(dtype, terms):
    check(operands(((60, terms), (terms, 48), "b"), dtype), dtype, threads=(1, 7))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_epilogue(dtype):
    rng = np.random.default_rng(3)
    for m, k, n in [(3, 5, 7), (20, 30, 40), (5, 600, 70), (6, 5000, 20), (70, 80, 300)]:
        a, b = values(rng, (2, m, k), dtype), values(rng, (2, k, n), dtype)
        for bias, residual in [((n,), (2, m, n)), ((m, 1), (n,)), ((2, 1, 1), (1, 1))]:
            terms = [values(rng, shape, dtype) for shape in (bias, (m, 1), (n,), residual)]
            check((a, b, *terms), dtype, {"activation": "relu"})
            check((a, b, terms[0]), dtype)
            check((a, b, None, None, None, terms[3]), dtype, {"activation": ("leaky_relu", 0.5)})
        folded = (a, b[0], values(rng, (n,), dtype), None, None, values(rng, (2, m, n), dtype))
        check(folded, dtype)
        check((a[0, 0], b, values(rng, (n,), dtype)), dtype)
        check((a, b[0, :, 0], values(rng, (m,), dtype)), dtype)


layouts = st.sampled_from(["C", "F", "step", "reversed", "broadcast"])


def laid_out(x: np.ndarray, layout: str) -> np.ndarray:
    if layout == "F":
        return np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
    if layout == "step":
        wide = np.zeros((*x.shape[:-2], x.shape[-2] * 2, x.shape[-1] * 3), x.dtype)
        wide[..., ::2, ::3] = x
        return wide[..., ::2, ::3]
    if layout == "reversed":
        return np.ascontiguousarray(x[..., ::-1, ::-1])[..., ::-1, ::-1]
    if layout == "broadcast":
        return np.broadcast_to(x[..., :1, :], x.shape)
    return x


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(1, 40),
    st.integers(0, 70),
    st.integers(1, 70),
    st.sampled_from([(), (2,), (3, 1), (2, 3)]),
    st.sampled_from([(), (1,), (3,), (2, 1)]),
    layouts,
    layouts,
    st.sampled_from(DTYPES),
    st.integers(0, 99),
)
def test_variants_on_drawn_layouts(m, k, n, a_batch, b_batch, a_layout, b_layout, dtype, seed):
    try:
        np.broadcast_shapes(a_batch, b_batch)
    except ValueError:
        b_batch = ()
    rng = np.random.default_rng(seed)
    a = laid_out(values(rng, (*a_batch, m, k), dtype), a_layout)
    b = laid_out(values(rng, (*b_batch, k, n), dtype), b_layout)
    check((a, b), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32"])
def test_thread_counts(dtype):
    for case in SPLIT:
        a, b = operands(case, dtype)
        expected = matmul((a, b), {}, None, 1)
        for threads in (2, 3, 4):
            assert same_bits(matmul((a, b), {}, None, threads), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_b_from_memory(dtype):
    streamed = [((9, 600), (600, 4100), ""), ((2, 23, 4200), (2, 4200, 300), ""), ((30, 12, 120), (30, 120, 600), "")]
    copied = [((30, 600), (600, 4100), ""), ((9, 41, 270), (9, 270, 1000), "")]
    for case in streamed + copied:
        check(operands(case, dtype), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
def test_few_rows_against_long_ones(rows, dtype):
    """Rows of b that meet in one set of the first cache, long rows in caches, and a b that is fetched from memory."""
    for k, n in [(70, 1024), (900, 512), (9, 5003), (2, 70001), (1100, 4100)]:
        check(operands(((rows, k), (k, n), ""), dtype), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_terms_overwrite_a_stale_result(dtype):
    for m, n in [(1, 1), (2, 401), (3, 1000), (9, 33), (40, 300)]:
        a, b = np.ones((m, 5), dtype)[:, :0], np.ones((5, n), dtype)[:0]
        for name in variants_of(dtype):
            out = np.ones((m, n), dtype)
            matmul((a, b), {}, out, 2, name)
            assert not out.astype(bool).any(), (name, m, n)


@pytest.mark.parametrize("variant", [None, *variants_of("bfloat16")])
def test_subnormal_results_are_kept(variant):
    a, b = np.zeros((3, 4097), ml_dtypes.bfloat16), np.zeros((4097, 70), ml_dtypes.bfloat16)
    b[[0, 4096]] = 2.0**-63  # the one term of each of two segments, whose sums are added without flushing
    a[:, 0], a[:, 4096] = 1.5 * 2.0**-63, -(2.0**-63)
    result = matmul((a, b), {}, None, 1, variant)
    assert (result.view("u2") == np.float32(2.0**-127).view("u4") >> 16).all()
