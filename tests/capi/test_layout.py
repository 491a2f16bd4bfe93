"""The layout of version 1 of ``csrc/capi.h``, for good: compiled modules rely on every line of it.

A new function is appended to the table, raises ``STRETTO_CAPI_VERSION`` and gets its lines here; no line ever changes.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from tests.capi import table
from tests.capi.building import shared_library

# offset, member, type
TABLE = """
 0 version     uint32_t
 4 size        uint32_t
 8 error_text  const char *(*)(void)
16 matmul_f32  int (*)(const stretto_matmul_shape *, const float *, const float *, float *, int, const stretto_options *)
24 matmul_f64  int (*)(const stretto_matmul_shape *, const double *, const double *, double *, int, const stretto_options *)
32 matmul_bf16 int (*)(const stretto_matmul_shape *, const uint16_t *, const uint16_t *, uint16_t *, int, const stretto_options *)
40 conv_f32    int (*)(const stretto_conv_shape *, const float *, const float *, float *, int, const stretto_options *)
48 conv_f64    int (*)(const stretto_conv_shape *, const double *, const double *, double *, int, const stretto_options *)
56 conv_bf16   int (*)(const stretto_conv_shape *, const uint16_t *, const uint16_t *, uint16_t *, int, const stretto_options *)
"""  # noqa: E501
OPTIONS = """
 0 size             uint64_t
 8 activation       int32_t
12 precision        int32_t
16 parameter        double
24 bias             const void *
32 scale            const void *
40 shift            const void *
48 residual         const void *
56 residual_strides const int64_t *
"""
MATMUL_SHAPE = """
 0 batch       int64_t
 8 m           int64_t
16 n           int64_t
24 k           int64_t
32 a_strides   const int64_t *
40 b_strides   const int64_t *
48 out_strides const int64_t *
"""
CONV_SHAPE = """
  0 axes          int32_t
  4 channels_last int32_t
  8 samples       int64_t
 16 channels      int64_t
 24 outputs       int64_t
 32 groups        int64_t
 40 size[0]       int64_t
 64 kernel[0]     int64_t
 88 stride[0]     int64_t
112 dilation[0]   int64_t
136 before[0]     int64_t
160 after[0]      int64_t
184 x_strides     const int64_t *
192 w_strides     const int64_t *
200 out_strides   const int64_t *
"""
VALUES = """
STRETTO_OK            0
STRETTO_INVALID       1
STRETTO_NO_KERNEL     2
STRETTO_NO_MEMORY     3
STRETTO_FAILED        4
STRETTO_NOT_IMPORTED  5
STRETTO_NO_ACTIVATION 0
STRETTO_RELU          1
STRETTO_RELU6         2
STRETTO_LEAKY_RELU    3
STRETTO_ELU           4
STRETTO_SIGMOID       5
STRETTO_HARD_SIGMOID  6
STRETTO_HARD_SWISH    7
STRETTO_TANH          8
STRETTO_GELU          9
STRETTO_GELU_TANH     10
STRETTO_SILU          11
STRETTO_SOFTPLUS      12
STRETTO_HIGHEST       0
STRETTO_HIGH          1
STRETTO_MEDIUM        2
"""
# Bytes of each version: options and table may grow, shapes may not.
SIZES = {"stretto_capi": 64, "stretto_options": 64}
SHAPES = {"stretto_matmul_shape": 56, "stretto_conv_shape": 208}


def rows(text: str) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in text.strip().splitlines()]


def checks() -> list[str]:
    structs = zip(
        ("capi", "options", "matmul_shape", "conv_shape"), (TABLE, OPTIONS, MATMUL_SHAPE, CONV_SHAPE), strict=True
    )
    lines = [f"{name} == {value}" for name, value in rows(VALUES)]
    for struct, text in structs:
        for offset, member, type_ in rows(text):
            lines.append(f"offsetof(stretto_{struct}, {member}) == {offset}")
            lines.append(f"_Generic(((stretto_{struct} *)0)->{member}, {type_}: 1, default: 0)")
    lines += [f"sizeof({struct}) == {size}" for struct, size in SHAPES.items()]
    lines += [f"STRETTO_CAPI_VERSION > 1 || sizeof({struct}) == {size}" for struct, size in SIZES.items()]
    return lines


def compiles(checks: list[str], folder: Path) -> None:
    source = folder / "layout.c"
    asserts = (f'_Static_assert({check}, "{number}");' for number, check in enumerate(checks))
    source.write_text("\n".join(["#include <stddef.h>", '#include "stretto/capi.h"', *asserts, "extern int here;\n"]))
    shared_library(source, folder / "layout.so", "-std=c11", "-pedantic")


def test_layout_and_signatures(tmp_path: Path) -> None:
    compiles(checks(), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        ("== 24", "== 32"),  # an order
        ("const float *, float *, int", "float *, float *, int"),  # a signature
        ("STRETTO_GELU == 9", "STRETTO_GELU == 10"),  # a value
    ],
)
def test_a_change_is_seen(change: tuple[str, str], tmp_path: Path) -> None:
    changed = [check.replace(*change) for check in checks()]
    assert changed != checks()
    with pytest.raises(AssertionError, match="static assertion failed"):
        compiles(changed, tmp_path)


def test_the_table_says_what_it_is() -> None:
    assert (table.TABLE.version, table.TABLE.size) == (1, SIZES["stretto_capi"])
    for mirror, size in ((table.Table, 64), (table.Options, 64), (table.MatmulShape, 56), (table.ConvShape, 208)):
        assert ctypes.sizeof(mirror) == size
